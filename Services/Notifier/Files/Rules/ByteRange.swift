/// The requested part of a file (RFC 9110, 14).
enum ByteRange: Hashable, Sendable {
    /// All of it.
    case whole
    /// A half-open range of bytes; never empty.
    case part(Range<Int>)
    /// A range outside of this file.
    case unsatisfiable

    /// - Parameters:
    ///   - header: the `Range` field. A malformed one and several ranges mean the whole file.
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
        // Numbers beyond `Int` are larger than any file.
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
