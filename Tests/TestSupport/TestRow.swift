import Foundation
import Postgres

/// A row as a test reads it, which knows its statement's columns: a mismatch ends the test.
package struct TestRow: Sendable {
    fileprivate let rows: PostgresRows
    fileprivate let position: Int

    package func int(_ column: Int) -> Int { read { $0.int(column) } }
    package func string(_ column: Int) -> String { read { $0.string(column) } }
    package func double(_ column: Int) -> Double { read { $0.double(column) } }
    package func bool(_ column: Int) -> Bool { read { $0.bool(column) } }
    package func uuid(_ column: Int) -> UUID { read { $0.uuid(column) } }
    package func date(_ column: Int) -> Date { read { $0.date(column) } }
    package func bytea(_ column: Int) -> [UInt8] { read { $0.bytea(column) } }
    package func bytes(_ column: Int) -> [UInt8] { read { $0.bytes(column) } }
    package func uuids(_ column: Int) -> [UUID] { read { $0.uuids(column) } }
    package func isNull(_ column: Int) -> Bool { read { $0.isNull(column) } }
    package func optionalInt(_ column: Int) -> Int? { read { $0.optionalInt(column) } }
    package func optionalString(_ column: Int) -> String? { read { $0.optionalString(column) } }
    package func optionalBool(_ column: Int) -> Bool? { read { $0.optionalBool(column) } }
    package func optionalUUID(_ column: Int) -> UUID? { read { $0.optionalUUID(column) } }
    package func optionalDate(_ column: Int) -> Date? { read { $0.optionalDate(column) } }
    package func optionalBytes(_ column: Int) -> [UInt8]? { read { $0.optionalBytes(column) } }

    private func read<Value>(_ make: (PostgresRow) -> Value) -> Value {
        do {
            var value: Value?
            var index = 0
            try rows.forEach { row in
                if index == position { value = make(row) }
                index += 1
            }
            guard let value else { preconditionFailure("row \(position) of \(rows.count)") }
            return value
        } catch {
            preconditionFailure("\(error)")
        }
    }
}

extension PostgresRows {
    package subscript(position: Int) -> TestRow { TestRow(rows: self, position: position) }

    package var first: TestRow? { isEmpty ? nil : self[0] }

    package var all: [TestRow] { (0..<count).map { self[$0] } }
}
