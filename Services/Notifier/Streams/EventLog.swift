import Contracts
import EventOutbox
import Foundation
import Postgres

/// A position in the log of durable events.
///
/// Sequence order is not commit order, so a position is a pair: rows become readable in the order of their
/// transactions' ids, once no older transaction is open, and within a transaction in the order of their sequence.
struct LogPosition: Sendable, Hashable, Comparable {
    var transaction: UInt64
    var sequence: Int64

    static let start = LogPosition(transaction: 0, sequence: 0)

    static func < (left: LogPosition, right: LogPosition) -> Bool {
        (left.transaction, left.sequence) < (right.transaction, right.sequence)
    }
}

/// One durable event and its position.
struct LogEntry: Sendable {
    let position: LogPosition
    let event: CloudEvent
}

/// A page of the log.
struct LogPage: Sendable {
    var entries: [LogEntry]
    /// The position of the next page; nil for an empty page.
    var end: LogPosition?
    /// Whether there was nothing behind it.
    var isLast: Bool
}

/// Reads `structure_events` in an order in which nothing is ever skipped.
struct EventLog: Sendable {
    /// Rows of one read.
    static let page = 500
    /// A read ends with the event that takes its data to this size.
    static let pageBytes = 1 << 20
    /// The same for the list of the newest events.
    static let newestBytes = 8 << 20

    let postgres: PostgresPool

    static let readAll = Statement("log_read", next(where: "true"))
    static let readOne = Statement("log_read_workspace", next(where: "workspace_id = $5"))

    /// Indices of columns in a row.
    private enum Column {
        static let event = 1
        /// The number of rows before the limit by bytes: behind the eight columns of the event.
        static let found = 9
    }

    /// The order qualifies the column: unqualified it would be the text column, in which 1000 comes before 999.
    private static func next(where condition: String) -> String {
        """
        SELECT transaction_id::text, \(CommittedEvent.columns), found FROM (
            SELECT *, sum(bytes) OVER (ORDER BY transaction_id, sequence ROWS UNBOUNDED PRECEDING) - bytes AS before,
                count(*) OVER () AS found
            FROM (
                SELECT *, \(dataBytes) AS bytes FROM structure_events
                WHERE (transaction_id, sequence) > ($1::text::xid8, $2)
                    AND transaction_id < pg_snapshot_xmin(pg_current_snapshot()) AND \(condition)
                ORDER BY transaction_id, sequence LIMIT $3
            ) AS following
        ) AS e WHERE before < $4::bigint ORDER BY e.transaction_id, e.sequence
        """
    }

    /// Only compressed data has to be read to get its size. A cast of JSON to text copies.
    private static let dataBytes = """
        CASE WHEN pg_column_compression(data) IS NULL THEN pg_column_size(data) ELSE octet_length(data::text) END
        """

    /// The next events after a position, in order.
    ///
    /// - Parameters:
    ///   - workspace: only events of this one; `nil` for all.
    ///   - bytes: the page ends with the event that takes its data to this size.
    func read(
        after position: LogPosition, workspace: UUID? = nil, bytes: Int = pageBytes
    ) async throws(PostgresError) -> LogPage {
        let parameters: [any PostgresEncodable] = [
            String(position.transaction), Int(position.sequence), Self.page, bytes,
        ]
        let rows =
            if let workspace {
                try await postgres.query(Self.readOne, parameters + [workspace])
            } else {
                try await postgres.query(Self.readAll, parameters)
            }
        let found = try rows.first { $0.int(Column.found) } ?? 0
        var page = LogPage(entries: [], isLast: rows.count == found && found < Self.page)
        try rows.forEach { row in
            guard let transaction = UInt64(row.string(0)),
                let committed = CommittedEvent(row: row, firstColumn: Column.event)
            else { return }
            let position = LogPosition(transaction: transaction, sequence: committed.sequence)
            page.entries.append(LogEntry(position: position, event: committed.event))
            page.end = position
        }
        return page
    }

    private static let end = Statement(
        "log_end", "SELECT (pg_snapshot_xmin(pg_current_snapshot())::text::numeric - 1)::text")

    /// The position after everything that is readable now.
    func end() async throws(PostgresError) -> LogPosition {
        try await postgres.query(Self.end).only { row in
            LogPosition(transaction: UInt64(row.string(0)) ?? 0, sequence: .max)
        }
    }

    private static let timeline = Statement(
        "log_timeline", "SELECT left(pg_walfile_name(pg_current_wal_lsn()), 8)")

    /// The server's timeline, which changes with a failover. Nil when the server does not provide it.
    func timeline() async throws(PostgresError) -> String? {
        do {
            return try await postgres.query(Self.timeline).only { $0.string(0) }
        } catch  where error.kind == .server {
            return nil
        }
    }

    private static let find = Statement(
        "log_find",
        """
        SELECT e.transaction_id::text FROM structure_events e, event_log_floor f
        WHERE e.sequence = $1 AND (e.transaction_id, e.sequence) > (f.transaction_id, f.sequence)
        """)

    /// The position of the event with this sequence; nil when the log does not have it (any more), or not everything
    /// after it: retention leaves an event that waits to be published.
    func position(ofSequence sequence: Int64) async throws(PostgresError) -> LogPosition? {
        try await postgres.query(Self.find, [Int(sequence)]).first { row in
            UInt64(row.string(0)).map { LogPosition(transaction: $0, sequence: sequence) }
        }
    }

    private static let whole = Statement(
        "log_complete", "SELECT ($1::text::xid8, $2::bigint) >= (transaction_id, sequence) FROM event_log_floor")

    /// Whether everything behind a position is still in the log.
    func isComplete(after position: LogPosition) async throws(PostgresError) -> Bool {
        try await postgres.query(Self.whole, [String(position.transaction), Int(position.sequence)]).only { $0.bool(0) }
    }

    private static let oldest = Statement(
        "log_oldest",
        """
        SELECT e.sequence FROM structure_events AS e
        WHERE (e.transaction_id, e.sequence) > (SELECT transaction_id, sequence FROM event_log_floor)
        ORDER BY e.transaction_id, e.sequence LIMIT 1
        """)
    private static let last = Statement(
        "log_last",
        """
        SELECT transaction_id::text, sequence FROM (
            (SELECT e.transaction_id, e.sequence FROM structure_events AS e
                WHERE e.transaction_id < pg_snapshot_xmin(pg_current_snapshot())
                ORDER BY e.transaction_id DESC, e.sequence DESC LIMIT 1)
            UNION ALL
            SELECT transaction_id, sequence FROM event_log_floor
        ) AS place ORDER BY place.transaction_id DESC, place.sequence DESC LIMIT 1
        """)

    /// The first event from which on the log is complete, nil for none, and the position of the last readable event,
    /// the start for none.
    func bounds() async throws(PostgresError) -> (oldest: Int64?, last: LogPosition) {
        let results = try await postgres.atomically([Call(Self.oldest), Call(Self.last)])
        let oldest = try results[0].first { Int64($0.int(0)) }
        let last = try results[1].first { row in
            UInt64(row.string(0)).map { LogPosition(transaction: $0, sequence: Int64(row.int(1))) }
        }
        return (oldest, last ?? .start)
    }

    private static let waiting = Statement(
        "log_waiting",
        """
        SELECT extract(epoch FROM clock_timestamp() - created_at)::float8 FROM structure_events AS e
        WHERE (e.transaction_id, e.sequence) > ($1::text::xid8, $2) ORDER BY e.transaction_id, e.sequence LIMIT 1
        """)

    /// The age of the first event behind a position; zero when there is none.
    func age(after position: LogPosition) async throws(PostgresError) -> Duration {
        let parameters: [any PostgresEncodable] = [String(position.transaction), Int(position.sequence)]
        return .seconds(max(0, try await postgres.query(Self.waiting, parameters).first { $0.double(0) } ?? 0))
    }

    static let newestAll = Statement("log_newest", newest(where: "true", by: "sequence DESC"))
    static let newestOne = Statement(
        "log_newest_workspace", newest(where: "workspace_id = $2", by: "transaction_id DESC, sequence DESC"))
    /// Types of internal events. Not a parameter: the planner would estimate them as most of the log.
    private static let hidden = EventType.allCases.filter { $0.clientName == nil }.map { "'\($0.rawValue)'" }
        .joined(separator: ", ")

    private static func newest(where condition: String, by order: String) -> String {
        """
        SELECT id, type, workspace_id, data, created_at FROM (
            SELECT *, sum(bytes) OVER (ORDER BY \(order) ROWS UNBOUNDED PRECEDING) - bytes AS before FROM (
                SELECT *, \(dataBytes) AS bytes FROM structure_events
                WHERE \(condition) AND type NOT IN (\(hidden)) ORDER BY \(order) LIMIT 100
            ) AS found
        ) AS e WHERE before < $1::bigint ORDER BY \(order)
        """
    }

    /// The newest 100 events for clients, newest first, fewer when their data exceeds the limit of a response: id,
    /// type, workspace, data, time.
    func newest(workspace: UUID?) async throws(PostgresError) -> PostgresRows {
        if let workspace { return try await postgres.query(Self.newestOne, [Self.newestBytes, workspace]) }
        return try await postgres.query(Self.newestAll, [Self.newestBytes])
    }
}
