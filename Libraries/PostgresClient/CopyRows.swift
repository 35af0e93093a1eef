/// Rows in the text form of `COPY ... FROM STDIN`: columns between tabs, `\N` for NULL.
package struct CopyRows: Sendable {
    /// A chunk is begun when the last one has grown over this many bytes.
    private static let chunkSize = 65_536

    package private(set) var chunks: [[UInt8]] = []
    package private(set) var count = 0
    private var scratch: [UInt8] = []

    package init() {}

    package mutating func append(_ values: [any PostgresEncodable]) {
        if chunks.last.map({ $0.count >= Self.chunkSize }) ?? true {
            chunks.append([])
            chunks[chunks.count - 1].reserveCapacity(Self.chunkSize + 4096)
        }
        let last = chunks.count - 1
        for (index, value) in values.enumerated() {
            if index > 0 { chunks[last].append(UInt8(ascii: "\t")) }
            if value.isNull {
                chunks[last].append(contentsOf: #"\N"#.utf8)
            } else {
                scratch.removeAll(keepingCapacity: true)
                value.write(to: &scratch)
                scratch.withUnsafeBufferPointer { Self.escape($0, to: &chunks[last]) }
            }
        }
        chunks[last].append(UInt8(ascii: "\n"))
        count += 1
    }

    /// Copies whole runs of ordinary bytes: this is the hot loop of everything that is logged.
    private static func escape(_ value: UnsafeBufferPointer<UInt8>, to text: inout [UInt8]) {
        var start = 0
        for position in 0..<value.count {
            let byte = value[position]
            guard byte < 0x20 || byte == UInt8(ascii: "\\"), let letter = escapeLetter(byte) else { continue }
            text.append(contentsOf: UnsafeBufferPointer(rebasing: value[start..<position]))
            text.append(UInt8(ascii: "\\"))
            text.append(letter)
            start = position + 1
        }
        text.append(contentsOf: UnsafeBufferPointer(rebasing: value[start...]))
    }

    private static func escapeLetter(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "\\"): byte
        case UInt8(ascii: "\t"): UInt8(ascii: "t")
        case UInt8(ascii: "\n"): UInt8(ascii: "n")
        case UInt8(ascii: "\r"): UInt8(ascii: "r")
        default: nil
        }
    }
}
