import Foundation

/// Rows in the binary format of `COPY ... FROM STDIN (FORMAT binary)`, which needs no escaping and no parsing of text.
///
/// Begin each row, then write each of its columns in the order and the type of the statement's.
package struct BinaryRows: Sendable {
    /// A new chunk starts once the last one has reached this many bytes.
    private static let chunkSize = 65_536
    /// Seconds from 1970 to 2000, where Postgres counts from.
    private static let epoch = 946_684_800.0

    private var chunks: [[UInt8]] = []
    private var chunk: [UInt8] = Array("PGCOPY\n".utf8) + [0xFF, 0x0D, 0x0A, 0] + [UInt8](repeating: 0, count: 8)

    package init() {
        chunk.reserveCapacity(Self.chunkSize + 4096)
    }

    package mutating func beginRow(columns: Int) {
        if chunk.count >= Self.chunkSize {
            chunks.append(chunk)
            chunk = []
            chunk.reserveCapacity(Self.chunkSize + 4096)
        }
        append(Int16(columns))
    }

    /// A column of type `uuid`.
    package mutating func append(_ value: UUID?) {
        guard let value else { return appendNull() }
        append(Int32(16))
        withUnsafeBytes(of: value.uuid) { chunk.append(contentsOf: $0) }
    }

    /// A column of type `text`. It must not contain a NUL, which Postgres cannot store.
    package mutating func append(_ value: String?) {
        guard var value else { return appendNull() }
        value.withUTF8 { append(UnsafeRawBufferPointer($0)) }
    }

    /// A column whose binary form is its text, such as `json`.
    package mutating func append(utf8 value: some Collection<UInt8>) {
        append(Int32(value.count))
        chunk.append(contentsOf: value)
    }

    /// A column of type `bigint`.
    package mutating func append(_ value: Int?) {
        guard let value else { return appendNull() }
        append(Int32(8))
        append(Int64(value))
    }

    /// A column of type `timestamptz`.
    package mutating func append(_ value: Date) {
        append(Int32(8))
        append(Int64(((value.timeIntervalSince1970 - Self.epoch) * 1_000_000).rounded()))
    }

    /// NULL, whatever the column's type.
    package mutating func appendNull() { append(Int32(-1)) }

    /// The chunks with the trailer, for ``PostgresPool/copyIn(_:_:deadline:)``.
    package consuming func finish() -> [[UInt8]] {
        append(Int16(-1))
        return chunks + [chunk]
    }

    private mutating func append(_ bytes: UnsafeRawBufferPointer) {
        append(Int32(bytes.count))
        chunk.append(contentsOf: bytes)
    }

    private mutating func append(_ number: some FixedWidthInteger) {
        withUnsafeBytes(of: number.bigEndian) { chunk.append(contentsOf: $0) }
    }
}
