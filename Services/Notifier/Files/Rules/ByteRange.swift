/// Which part of a file is wanted (RFC 9110, 14).
enum ByteRange: Hashable, Sendable {
    /// All of it.
    case whole
    /// From its first to behind its last byte; never empty.
    case part(Range<Int>)
    /// A range that is none of this file.
    case unsatisfiable

    /// - Parameters:
    ///   - header: the `Range` field. What cannot be read and several ranges mean the whole file.
    ///   - size: bytes of the file.
    init(_ header: String?, size: Int) {
        guard let header, let mark = header.firstIndex(of: "="),
            header[..<mark].lowercased() == "bytes"
        else {
            self = .whole
            return
        }
        let text = header[header.index(after: mark)...]
        let ends = text.split(separator: "-", omittingEmptySubsequences: false).map { $0.filter { $0 != " " } }
        guard ends.count == 2, !text.contains(","), ends.allSatisfy(Self.isNumber) else {
            self = .whole
            return
        }
        // Larger than any number is larger than any file.
        let (first, last) = (Int(ends[0]) ?? .max, Int(ends[1]) ?? .max)
        switch (ends[0].isEmpty, ends[1].isEmpty) {
        case (true, true): self = .whole
        case (true, false): self = last == 0 || size == 0 ? .unsatisfiable : .part(max(0, size - last)..<size)
        case (false, true): self = first >= size ? .unsatisfiable : .part(first..<size)
        case (false, false):
            if last < first {
                self = .whole
            } else {
                self = first >= size ? .unsatisfiable : .part(first..<min(size, last == .max ? .max : last + 1))
            }
        }
    }

    private static func isNumber(_ text: String) -> Bool { text.utf8.allSatisfy { (0x30...0x39).contains($0) } }
}
