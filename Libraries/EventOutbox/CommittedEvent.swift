import Contracts
import Foundation
import Postgres

/// A durable event whose row is committed: it may be published.
package struct CommittedEvent: Sendable {
    package let sequence: Int64
    package let event: CloudEvent

    /// The columns of `structure_events` that a statement must return, in this order, for `init(row:firstColumn:)`.
    package static let columns = "sequence, id, type, workspace_id, source, data, traceparent, created_at"

    /// Reads an event from a statement's result.
    ///
    /// - Parameter firstColumn: the index of `sequence`; the other seven columns follow it.
    /// - Returns: `nil` when the row has no event (its sequence is NULL).
    package init?(row: PostgresRow, firstColumn: Int = 0) {
        guard let sequence = row.optionalInt(firstColumn) else { return nil }
        self.sequence = Int64(sequence)
        event = CloudEvent(
            id: row.uuid(firstColumn + 1), source: row.string(firstColumn + 4), type: row.string(firstColumn + 2),
            subject: row.optionalUUID(firstColumn + 3), time: row.date(firstColumn + 7),
            data: RawJSON(unchecked: row.bytes(firstColumn + 5)), traceparent: row.optionalString(firstColumn + 6),
            sequence: Int64(sequence))
    }
}
