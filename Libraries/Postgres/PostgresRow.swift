import ASCIIText
import CPQ
import Foundation

/// One row, valid during the closure of ``PostgresRows/map(_:)`` and the like; columns are numbered from 0.
///
/// The plain accessors are for columns that are never NULL; where NULL can occur, use the optional ones. A value
/// without the expected type (an old row, a newer schema, a manual repair) fails the decoding: the accessor then
/// returns a placeholder, and the decoded value is discarded.
package struct PostgresRow {
    let result: ResultOwner
    let index: Int32
    /// Records the decoding failure.
    let failure: RowDecodingFailure

    /// Calls `body` with the text of a column, valid during the call only; nil for NULL.
    package func withText<R>(_ column: Int, _ body: (UnsafeBufferPointer<UInt8>?) throws -> R) rethrows -> R {
        precondition(column >= 0 && column < result.columnCount, "column \(column) of \(result.columnCount)")
        if PQgetisnull(result.raw, index, Int32(column)) == 1 { return try body(nil) }
        let length = Int(PQgetlength(result.raw, index, Int32(column)))
        // libpq never returns nil here, and the bytes live as long as the result, which `self` holds.
        let start = UnsafeRawPointer(PQgetvalue(result.raw, index, Int32(column))!).assumingMemoryBound(to: UInt8.self)
        return try withExtendedLifetime(result) { try body(UnsafeBufferPointer(start: start, count: length)) }
    }

    package func isNull(_ column: Int) -> Bool { PQgetisnull(result.raw, index, Int32(column)) == 1 }

    package func string(_ column: Int) -> String { required(column, optionalString(column), or: "") }
    package func int(_ column: Int) -> Int { required(column, optionalInt(column), or: 0) }
    package func double(_ column: Int) -> Double { required(column, optionalDouble(column), or: 0) }
    package func bool(_ column: Int) -> Bool { required(column, optionalBool(column), or: false) }
    package func uuid(_ column: Int) -> UUID { required(column, optionalUUID(column), or: Self.zeroUUID) }
    package func date(_ column: Int) -> Date { required(column, optionalDate(column), or: .distantPast) }
    /// The raw text of a column, for instance JSON that is passed through.
    package func bytes(_ column: Int) -> [UInt8] { required(column, optionalBytes(column), or: []) }
    /// The value of a `bytea` column.
    package func bytea(_ column: Int) -> [UInt8] { required(column, optionalBytea(column), or: []) }
    package func uuids(_ column: Int) -> [UUID] { required(column, optionalUUIDs(column), or: []) }

    private static let zeroUUID = UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))

    package func optionalString(_ column: Int) -> String? {
        withText(column) { $0.map { String(decoding: $0, as: UTF8.self) } }
    }

    package func optionalBytes(_ column: Int) -> [UInt8]? { withText(column) { $0.map { Array($0) } } }

    package func optionalInt(_ column: Int) -> Int? { value(column, IntegerText.read) }

    package func optionalDouble(_ column: Int) -> Double? {
        value(column) { Double(String(decoding: $0, as: UTF8.self)) }
    }

    package func optionalBool(_ column: Int) -> Bool? {
        value(column) { text in
            switch text.first {
            case UInt8(ascii: "t"): true
            case UInt8(ascii: "f"): false
            default: nil
            }
        }
    }

    package func optionalUUID(_ column: Int) -> UUID? { value(column) { UUIDText.read($0) } }

    package func optionalDate(_ column: Int) -> Date? { value(column, TimestampText.read) }

    package func optionalBytea(_ column: Int) -> [UInt8]? {
        value(column) { text in
            guard text.count >= 2, text.count % 2 == 0, text[0] == UInt8(ascii: "\\"), text[1] == UInt8(ascii: "x")
            else { return nil }
            var bytes: [UInt8] = []
            bytes.reserveCapacity(text.count / 2 - 1)
            for position in stride(from: 2, to: text.count, by: 2) {
                guard let high = HexText.value(text[position]), let low = HexText.value(text[position + 1]) else {
                    return nil
                }
                bytes.append(high << 4 | low)
            }
            return bytes
        }
    }

    /// The elements of a `uuid[]` that are not NULL.
    package func optionalUUIDs(_ column: Int) -> [UUID]? {
        value(column) { text in
            ArrayText.elements(text)?.compactMap { $0?.withUnsafeBufferPointer { UUIDText.read($0) } }
        }
    }

    /// Nil for NULL; text that `read` rejects is recorded as a mismatch.
    private func value<T>(_ column: Int, _ read: (UnsafeBufferPointer<UInt8>) -> T?) -> T? {
        withText(column) { text in
            guard let text else { return nil }
            let value = read(text)
            if value == nil { recordMismatch(column, "is not a \(T.self)") }
            return value
        }
    }

    private func required<T>(_ column: Int, _ value: T?, or placeholder: T) -> T {
        if let value { return value }
        recordMismatch(column, "is NULL, expected \(T.self)")
        return placeholder
    }

    private func recordMismatch(_ column: Int, _ what: String) {
        failure.note("column \(columnName(column)) \(what)")
    }

    private func columnName(_ column: Int) -> String {
        PQfname(result.raw, Int32(column)).map { String(cString: $0) } ?? String(column)
    }
}
