import AgentResponses
import Contracts
import Foundation
import JSONBytes
import Postgres

/// The statements that read the feed; `ActivityLogStore` writes it.
struct FeedStore: Sendable {
    /// A page ends with the row that takes it to this size.
    static let pageBytes = 4 << 20

    let postgres: PostgresPool

    private static let workspaceName = Statement(
        "notify_workspace", "SELECT name FROM workspaces WHERE id = $1 AND status <> 'removed'")

    /// The workspace's name; `nil` when it is unknown or removed.
    func name(of workspace: UUID) async throws(PostgresError) -> String? {
        try await postgres.query(Self.workspaceName, [workspace]).first { $0.string(0) }
    }

    private static let columns = """
        id, workspace_id, activity_type, source_id, target_id, method, summary, request_body, response_body, tool_trace,
        status, duration_ms, error_detail, input_tokens, output_tokens, created_at
        """
    /// Where columns are in a row.
    private enum Column {
        static let id = 0
        static let summary = 6
        static let bodies = 7...9
        static let error = 12
        static let createdAt = 15
        /// Rows that were found, of which these may be the first.
        static let found = 16
    }

    /// What a row's bodies take as they are stored, which is told without reading them.
    private static let stored = bodies { "coalesce(pg_column_size(\($0)), 0)" }
    /// What they take as they are sent; only compressed ones have to be read to tell. A cast of JSON to text copies.
    private static let sent = bodies { body in
        """
        CASE WHEN \(body) IS NULL THEN 0 WHEN pg_column_compression(\(body)) IS NULL THEN pg_column_size(\(body))
            ELSE octet_length(\(body)::text) END
        """
    }

    private static func bodies(_ size: (String) -> String) -> String {
        ["request_body", "response_body", "tool_trace"].map(size).joined(separator: " + ")
            + " + coalesce(octet_length(summary), 0) + coalesce(octet_length(error_detail), 0) + 500"
    }

    /// Cut twice: first by what is stored, so that no more is decompressed than a page may need, then by what it
    /// comes to.
    static let list = Statement(
        "activity_list",
        """
        SELECT \(columns), found FROM (
            SELECT *, sum(sent) OVER newest_first - sent AS sent_before FROM (
                SELECT *, \(sent) AS sent FROM (
                    SELECT *, sum(stored) OVER newest_first - stored AS stored_before, count(*) OVER () AS found FROM (
                        SELECT \(columns), \(stored) AS stored FROM activity_logs
                        WHERE workspace_id = $1 AND ($2::text IS NULL OR activity_type = $2)
                            AND ($3::bool IS NULL OR (source_id IS NULL) = $3)
                            AND (created_at, id) < (coalesce($4::timestamptz, 'infinity'),
                                coalesce($5::uuid, '00000000-0000-0000-0000-000000000000'))
                            AND (created_at, id) >= (coalesce($8::timestamptz, '-infinity'),
                                coalesce($9::uuid, '00000000-0000-0000-0000-000000000000'))
                        ORDER BY created_at DESC FETCH FIRST ($6::bigint) ROWS WITH TIES
                    ) AS matching
                    WINDOW newest_first AS (ORDER BY created_at DESC, id DESC ROWS UNBOUNDED PRECEDING)
                ) AS counted WHERE stored_before < $7::bigint
            ) AS measured
            WINDOW newest_first AS (ORDER BY created_at DESC, id DESC ROWS UNBOUNDED PRECEDING)
        ) AS page WHERE sent_before < $7 ORDER BY created_at DESC, id DESC
        """)

    /// Rows of the feed, newest first, and where those behind them begin; nil when there are none. Rows of one time
    /// stay together, so that none is lost to who asks for what is before it, unless their size is too much for one
    /// page.
    ///
    /// Rows have bodies of up to 11 MiB: they come outside of the pipeline that others wait in.
    ///
    /// - Parameters:
    ///   - bytes: the rows end with the one that takes them to this size.
    ///   - deadline: for all of it, with the wait for a connection.
    func rows(
        _ workspace: UUID, _ query: ActivityQuery, bytes: Int, deadline: Duration = .seconds(10)
    ) async throws -> (rows: PostgresRows, next: ActivityPosition?) {
        let parameters: [any PostgresEncodable] = [
            workspace, query.type, query.isFromPerson, query.before?.time, query.before?.id, query.limit, bytes,
            query.from?.time, query.from?.id,
        ]
        let rows = try await postgres.transaction(deadline: deadline, readOnly: true) { transaction in
            try await transaction.query(Self.list, parameters)
        }
        let next = try rows.last { last -> ActivityPosition? in
            if rows.count < last.int(Column.found) { return Self.position(behind: last) }
            return rows.count < query.limit ? nil : ActivityPosition(time: last.date(Column.createdAt))
        }
        return (rows, next)
    }

    /// A page of the feed.
    func list(_ workspace: UUID, _ query: ActivityQuery) async throws -> ActivityPage {
        let (rows, next) = try await rows(workspace, query, bytes: Self.pageBytes)
        var writer = JSONWriter(reservingCapacity: 4096)
        try writer.array { writer in
            try rows.forEach { Self.write($0, hidesPrivate: query.hidesPrivate, to: &writer) }
        }
        return ActivityPage(bytes: writer.bytes, next: next)
    }

    /// Between this row and the next.
    static func position(behind row: PostgresRow) -> ActivityPosition {
        ActivityPosition(time: row.date(Column.createdAt), id: row.uuid(Column.id))
    }

    /// Takes what a row says into a filter: all that ``contains(_:_:hidesPrivate:scratch:)`` looks at.
    static func add(_ row: PostgresRow, to filter: inout GramFilter, scratch: inout SearchText.Scratch) {
        for column in [Column.summary, Column.error] {
            row.withText(column) { plain in
                if let plain { SearchText.add(plain, to: &filter, scratch: &scratch.folded) }
            }
        }
        for column in Column.bodies {
            row.withText(column) { json in
                if let json { SearchText.add(json: json, to: &filter, scratch: &scratch) }
            }
        }
    }

    /// Whether a text stands in what a row says: its summary, its error, and the texts in its bodies.
    ///
    /// - Parameter hidesPrivate: bodies that are marked as private are not looked at.
    static func contains(
        _ text: SearchText, _ row: PostgresRow, hidesPrivate: Bool, scratch: inout SearchText.Scratch
    ) -> Bool {
        for column in [Column.summary, Column.error] {
            let isFound = row.withText(column) { plain in
                plain.map { text.isFound(in: $0, scratch: &scratch.folded) } ?? false
            }
            if isFound { return true }
        }
        if hidesPrivate, isPrivate(row) { return false }
        return Column.bodies.contains { column in
            row.withText(column) { json in json.map { text.isFound(inJSON: $0, scratch: &scratch) } ?? false }
        }
    }

    private static func isPrivate(_ row: PostgresRow) -> Bool {
        row.optionalBytes(Column.bodies.lowerBound).map(PrivateBody.isMarked) ?? false
    }

    /// Writes a row as clients get it.
    ///
    /// - Parameter hidesPrivate: bodies that are marked as private are left out, and that they are is said.
    static func write(_ row: PostgresRow, hidesPrivate: Bool, to writer: inout JSONWriter) {
        let isHidden = hidesPrivate && isPrivate(row)
        writer.object { writer in
            writer.member("id", row.string(0))
            writer.member("workspace_id", row.string(1))
            writer.member("activity_type", row.string(2))
            writer.member("source_id", orNull: row.optionalString(3))
            writer.member("target_id", orNull: row.optionalString(4))
            writer.member("method", orNull: row.optionalString(5))
            writer.member("summary", orNull: row.optionalString(6))
            if isHidden {
                writer.member("is_private", true)
            } else {
                if let body = row.optionalBytes(7) { writer.member("request_body", raw: body) }
                if let body = row.optionalBytes(8) { writer.member("response_body", raw: body) }
                if let trace = row.optionalBytes(9) { writer.member("tool_trace", raw: trace) }
            }
            writer.member("status", row.string(10))
            writer.member("duration_ms", orNull: row.optionalInt(11))
            writer.member("error_detail", orNull: row.optionalString(12))
            writer.member("input_tokens", ifPresent: row.optionalInt(13))
            writer.member("output_tokens", ifPresent: row.optionalInt(14))
            writer.member("created_at", RFC3339.format(row.date(15)))
        }
    }
}
