import ASCIIText
import Foundation
import JSONBytes

/// The rows of a statement's input as one JSON parameter, which the statement reads with `json_to_recordset`.
///
/// One list of columns says what the statement declares and what is written for it, so that the two cannot part. PostgreSQL
/// reads a row of 17 columns in about the time that 17 parallel arrays take (18 µs and 17 µs in a batch of 50, 23 and 20 in
/// one of 500; for a single row a third less). Two things stay with the statement:
///
/// - Long texts are better passed as an array beside it (`ROWS FROM (unnest($2::text[]), json_to_recordset($1::json) AS
///   (...))`): as JSON they would be escaped once more and scanned twice.
/// - The planner expects a hundred rows of `json_to_recordset`, where it expects ten of an array. Behind a `LIMIT` that is a
///   parameter it expects ten, too, and looks up by their keys what the rows name.
///
/// A text with a NUL is refused by the server, as everywhere.
package struct Recordset<Row: Sendable>: Sendable {
    /// A member of the objects, and a column of the rows.
    package struct Column: Sendable {
        fileprivate let name: String
        fileprivate let type: String
        fileprivate let write: @Sendable (Row, inout JSONWriter) -> Void
    }

    private let columns: [Column]
    /// The column definition list of `json_to_recordset`, without parentheses.
    package let definition: String

    /// Creates the description of a statement's input.
    ///
    /// - Parameter columns: in the order of the statement's columns.
    package init(_ columns: [Column]) {
        self.columns = columns
        definition = columns.map { "\($0.name) \($0.type)" }.joined(separator: ", ")
    }

    /// The parameter.
    package func json(_ rows: [Row]) -> [UInt8] {
        var writer = JSONWriter(reservingCapacity: 2 + rows.count * columns.count * 24)
        writer.array { writer in
            for row in rows {
                writer.object { writer in
                    for column in columns { column.write(row, &writer) }
                }
            }
        }
        return writer.bytes
    }
}

/// A member that is absent is NULL.
extension Recordset.Column {
    /// A `uuid`.
    package static func uuid(_ name: String, _ value: @escaping @Sendable (Row) -> UUID?) -> Self {
        Self(name: name, type: "uuid") { row, writer in
            guard let id = value(row) else { return }
            writer.key(name)
            writer.string(utf8: plain { UUIDText.append(id, to: &$0) })
        }
    }

    /// A `text`.
    package static func text(_ name: String, _ value: @escaping @Sendable (Row) -> String?) -> Self {
        Self(name: name, type: "text") { $1.member(name, ifPresent: value($0)) }
    }

    /// A `bigint`.
    package static func integer(_ name: String, _ value: @escaping @Sendable (Row) -> Int?) -> Self {
        Self(name: name, type: "bigint") { $1.member(name, ifPresent: value($0)) }
    }

    /// A `double precision`; NULL for what is no finite number.
    package static func double(_ name: String, _ value: @escaping @Sendable (Row) -> Double?) -> Self {
        Self(name: name, type: "double precision") { row, writer in
            if let number = value(row) { writer.member(name, number) }
        }
    }

    /// A `boolean`.
    package static func bool(_ name: String, _ value: @escaping @Sendable (Row) -> Bool) -> Self {
        Self(name: name, type: "boolean") { $1.member(name, value($0)) }
    }

    /// A `timestamptz`, to the microsecond.
    package static func time(_ name: String, _ value: @escaping @Sendable (Row) -> Date?) -> Self {
        Self(name: name, type: "timestamptz") { row, writer in
            guard let time = value(row) else { return }
            writer.key(name)
            writer.string(utf8: plain { TimestampText.write(time, to: &$0) })
        }
    }

    private static func plain(_ write: (inout [UInt8]) -> Void) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(40)
        write(&text)
        return text
    }
}
