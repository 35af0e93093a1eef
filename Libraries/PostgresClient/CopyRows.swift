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
                Self.escape(scratch, to: &chunks[last])
            }
        }
        chunks[last].append(UInt8(ascii: "\n"))
        count += 1
    }

    private static func escape(_ value: [UInt8], to text: inout [UInt8]) {
        for byte in value {
            switch byte {
            case UInt8(ascii: "\\"): text.append(contentsOf: #"\\"#.utf8)
            case UInt8(ascii: "\t"): text.append(contentsOf: #"\t"#.utf8)
            case UInt8(ascii: "\n"): text.append(contentsOf: #"\n"#.utf8)
            case UInt8(ascii: "\r"): text.append(contentsOf: #"\r"#.utf8)
            default: text.append(byte)
            }
        }
    }
}
