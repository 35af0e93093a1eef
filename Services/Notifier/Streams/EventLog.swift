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

    static let readAll = Statement("log_read", next(where: "true"))
    static let readOne = Statement("log_read_workspace", next(where: "workspace_id = $4"))

    /// The order names the column: unqualified it would be that of the text beside it, in which 1000 comes before 999.
    private static func next(where condition: String) -> String {
        """
        SELECT transaction_id::text, \(CommittedEvent.columns) FROM structure_events AS e
        WHERE (e.transaction_id, e.sequence) > ($1::text::xid8, $2)
            AND e.transaction_id < pg_snapshot_xmin(pg_current_snapshot()) AND \(condition)
        ORDER BY e.transaction_id, e.sequence LIMIT $3
        """
    }

    /// The next events after a position, in order; fewer than `page` at the end.
    ///
    /// - Parameter workspace: only events of this one; `nil` for all.
    func read(after position: LogPosition, workspace: UUID? = nil) async throws(PostgresError) -> [LogEntry] {
        let place: [any PostgresEncodable] = [String(position.transaction), Int(position.sequence), Self.page]
        let rows =
            if let workspace {
                try await postgres.query(Self.readOne, place + [workspace])
            } else {
                try await postgres.query(Self.readAll, place)
            }
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

    private static let newestAll = Statement(
        "log_newest", "SELECT \(newestColumns) FROM structure_events ORDER BY sequence DESC LIMIT 100")
    static let newestOne = Statement(
        "log_newest_workspace",
        """
        SELECT \(newestColumns) FROM structure_events AS e WHERE workspace_id = $1
        ORDER BY e.transaction_id DESC, e.sequence DESC LIMIT 100
        """)
    private static let newestColumns = "id, type, workspace_id, data, created_at"

    /// The newest 100 events, newest first: id, type, workspace, data, time.
    func newest(workspace: UUID?) async throws(PostgresError) -> PostgresRows {
        if let workspace { return try await postgres.query(Self.newestOne, [workspace]) }
        return try await postgres.query(Self.newestAll)
    }
}
