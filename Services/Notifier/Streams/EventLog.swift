import Contracts
import EventOutbox
import Foundation
import PostgresClient

/// A place in the log of durable events.
///
/// Sequence order is not commit order, so a place is a pair: rows become readable in the order of their transactions'
/// ids, once no older transaction is open, and within a transaction in the order of their sequence.
struct LogPosition: Sendable, Hashable, Comparable {
    var transaction: UInt64
    var sequence: Int64

    static let start = LogPosition(transaction: 0, sequence: 0)

    static func < (left: LogPosition, right: LogPosition) -> Bool {
        (left.transaction, left.sequence) < (right.transaction, right.sequence)
    }
}

/// One durable event and where it stands.
struct LogEntry: Sendable {
    let position: LogPosition
    let event: CloudEvent
}

/// Reads `structure_events` in an order in which nothing is ever skipped.
struct EventLog: Sendable {
    /// Rows of one read.
    static let page = 500

    let postgres: PostgresPool

    private static let read = Statement(
        "log_read",
        """
        SELECT transaction_id::text, \(CommittedEvent.columns) FROM structure_events
        WHERE (transaction_id, sequence) > ($1::text::xid8, $2)
            AND transaction_id < pg_snapshot_xmin(pg_current_snapshot())
            AND ($3::uuid IS NULL OR workspace_id = $3)
        ORDER BY transaction_id, sequence LIMIT $4
        """)

    /// The next events after a position, in order; fewer than `page` at the end.
    ///
    /// - Parameter workspace: only events of this one; `nil` for all.
    func read(after position: LogPosition, workspace: UUID? = nil) async throws(PostgresError) -> [LogEntry] {
        let rows = try await postgres.query(
            Self.read, [String(position.transaction), Int(position.sequence), workspace, Self.page])
        return rows.compactMap { row in
            guard let transaction = UInt64(row.string(0)), let event = CommittedEvent(row: row, firstColumn: 1) else {
                return nil
            }
            return LogEntry(
                position: LogPosition(transaction: transaction, sequence: event.sequence), event: event.event)
        }
    }

    private static let end = Statement(
        "log_end", "SELECT (pg_snapshot_xmin(pg_current_snapshot())::text::numeric - 1)::text")

    /// The position after everything that is readable now.
    func end() async throws(PostgresError) -> LogPosition {
        let row = try await postgres.query(Self.end)[0]
        return LogPosition(transaction: UInt64(row.string(0)) ?? 0, sequence: .max)
    }

    private static let find = Statement(
        "log_find",
        """
        SELECT transaction_id::text, sequence FROM structure_events WHERE sequence >= $1 ORDER BY sequence LIMIT 1
        """)

    /// Where the event with this sequence stands. When it has been pruned: just before the next one that has not.
    func position(ofSequence sequence: Int64) async throws(PostgresError) -> LogPosition? {
        guard let row = try await postgres.query(Self.find, [Int(sequence)]).first,
            let transaction = UInt64(row.string(0))
        else { return nil }
        let found = Int64(row.int(1))
        return LogPosition(transaction: transaction, sequence: found == sequence ? found : found - 1)
    }

    private static let newest = Statement(
        "log_newest",
        """
        SELECT id, type, workspace_id, data, created_at FROM structure_events
        WHERE ($1::uuid IS NULL OR workspace_id = $1) ORDER BY sequence DESC LIMIT 100
        """)

    /// The newest 100 events, newest first: id, type, workspace, data, time.
    func newest(workspace: UUID?) async throws(PostgresError) -> PostgresRows {
        try await postgres.query(Self.newest, [workspace])
    }
}
