import Contracts
import Foundation
import JSONBytes
import PostgresClient

/// A row of the feed that is to be written.
struct NewActivity: Sendable {
    var type: ActivityType
    var sourceID: UUID?
    var targetID: UUID?
    var method: String?
    var summary: String?
    var requestBody: [UInt8]?
    var responseBody: [UInt8]?
    var status = "ok"
    var durationMilliseconds: Int?
    var errorDetail: String?
    var toolTrace: [UInt8]?
}

/// Which rows of the feed a list asks for.
struct ActivityQuery: Sendable {
    var type: String?
    /// `true`: a person typed it; `false`: an agent sent it.
    var isFromPerson: Bool?
    var before: Date?
    var limit: Int
}

/// A part of the feed.
struct ActivityPage: Sendable {
    /// A JSON array.
    var bytes: [UInt8]
    /// What to ask for next: rows `before` this time; `nil` when there are no more.
    var nextBefore: Date?
}

/// The statements of the feed.
struct ActivityStore: Sendable {
    /// A page ends with the row that takes it to this size, and those of the same time.
    static let pageBytes = 16 << 20
    /// A page ends here whatever follows: one workspace has this much in one microsecond only if somebody means it to.
    static let mostBytes = 4 * pageBytes

    let postgres: PostgresPool

    private static let workspaceName = Statement(
        "notify_workspace", "SELECT name FROM workspaces WHERE id = $1 AND status <> 'removed'")

    /// The workspace's name; `nil` when it is unknown or removed.
    func name(of workspace: UUID) async throws(PostgresError) -> String? {
        try await postgres.query(Self.workspaceName, [workspace]).first?.string(0)
    }

    private static let insert = Statement(
        "activity_insert",
        """
        INSERT INTO activity_logs (workspace_id, activity_type, source_id, target_id, method, summary, request_body,
            response_body, status, duration_ms, error_detail, tool_trace)
        SELECT $1::uuid, $2::text, $3::uuid, $4::uuid, $5::text, $6::text, $7::json, $8::json, $9::text, $10::bigint,
            $11::text, $12::json
        WHERE EXISTS (SELECT FROM workspaces WHERE id = $1 AND status <> 'removed')
        RETURNING id, created_at
        """)

    /// Writes a row.
    ///
    /// - Returns: what viewers are told of it; nil when there is no such workspace (any more), and no row.
    func add(_ activity: NewActivity, to workspace: UUID) async throws(PostgresError) -> ActivityLogged? {
        let rows = try await postgres.query(
            Self.insert,
            [
                workspace, activity.type.rawValue, activity.sourceID, activity.targetID, activity.method,
                activity.summary, activity.requestBody, activity.responseBody, activity.status,
                activity.durationMilliseconds, activity.errorDetail, activity.toolTrace,
            ])
        guard let row = rows.first else { return nil }
        return ActivityLogged(
            id: row.uuid(0), workspaceID: workspace, activityType: activity.type, sourceID: activity.sourceID,
            targetID: activity.targetID, method: activity.method, summary: activity.summary, status: activity.status,
            durationMilliseconds: activity.durationMilliseconds, errorDetail: activity.errorDetail,
            createdAt: row.date(1))
    }

    private static let columns = """
        id, workspace_id, activity_type, source_id, target_id, method, summary, request_body, response_body, tool_trace,
        status, duration_ms, error_detail, input_tokens, output_tokens, created_at
        """

    private static let list = Statement(
        "activity_list",
        """
        SELECT \(columns) FROM activity_logs
        WHERE workspace_id = $1 AND ($2::text IS NULL OR activity_type = $2)
            AND ($3::bool IS NULL OR (source_id IS NULL) = $3) AND ($4::timestamptz IS NULL OR created_at < $4)
        ORDER BY created_at DESC FETCH FIRST ($5::bigint) ROWS WITH TIES
        """)

    /// The feed, newest first. Rows of one time stay together, so that none is lost to who asks for what is before it:
    /// there may be more than the limit.
    func list(_ workspace: UUID, _ query: ActivityQuery) async throws -> ActivityPage {
        let parameters: [any PostgresEncodable] = [
            workspace, query.type, query.isFromPerson, query.before, query.limit,
        ]
        return try await page(Self.list, parameters, limit: query.limit)
    }

    private static let search = Statement(
        "activity_search",
        """
        SELECT \(columns) FROM activity_logs
        WHERE workspace_id = $1 AND ($2 = '' OR strpos(lower(COALESCE(summary, '')), lower($2)) > 0
            OR strpos(lower(COALESCE(request_body::text, '')), lower($2)) > 0
            OR strpos(lower(COALESCE(response_body::text, '')), lower($2)) > 0)
        ORDER BY created_at DESC, id DESC LIMIT $3
        """)

    /// Rows of the feed in which a text stands, newest first, as a JSON array.
    func search(_ workspace: UUID, for text: String, limit: Int) async throws -> [UInt8] {
        try await page(Self.search, [workspace, text, limit], limit: limit).bytes
    }

    /// Rows have bodies of up to 11 MiB, and a search reads all of them: a few at a time, outside of the pipeline that
    /// others wait in, and no more than one answer should carry.
    private func page(
        _ statement: Statement, _ parameters: [any PostgresEncodable], limit: Int
    ) async throws -> ActivityPage {
        var writer = JSONWriter(reservingCapacity: 4096)
        var (count, last, isCut): (Int, Date?, Bool) = (0, nil, false)
        writer.beginArray()
        do {
            try await postgres.stream(statement, parameters, batch: 10, deadline: .seconds(10)) { rows in
                for row in rows {
                    let time = row.date(15)
                    if Self.isFull(writer.bytes.count, isOfSameTime: time == last) { throw PageIsFull() }
                    Self.write(row, to: &writer)
                    (count, last) = (count + 1, time)
                }
            }
        } catch is PageIsFull { isCut = true }
        writer.endArray()
        return ActivityPage(bytes: writer.bytes, nextBefore: isCut || count >= limit ? last : nil)
    }

    private static func isFull(_ bytes: Int, isOfSameTime: Bool) -> Bool {
        bytes >= (isOfSameTime ? mostBytes : pageBytes)
    }

    private struct PageIsFull: Error {}

    private static func write(_ row: PostgresRow, to writer: inout JSONWriter) {
        writer.object { writer in
            writer.member("id", row.string(0))
            writer.member("workspace_id", row.string(1))
            writer.member("activity_type", row.string(2))
            writer.member("source_id", orNull: row.optionalString(3))
            writer.member("target_id", orNull: row.optionalString(4))
            writer.member("method", orNull: row.optionalString(5))
            writer.member("summary", orNull: row.optionalString(6))
            if let body = row.optionalBytes(7) { writer.member("request_body", raw: body) }
            if let body = row.optionalBytes(8) { writer.member("response_body", raw: body) }
            if let trace = row.optionalBytes(9) { writer.member("tool_trace", raw: trace) }
            writer.member("status", row.string(10))
            writer.member("duration_ms", orNull: row.optionalInt(11))
            writer.member("error_detail", orNull: row.optionalString(12))
            writer.member("input_tokens", ifPresent: row.optionalInt(13))
            writer.member("output_tokens", ifPresent: row.optionalInt(14))
            writer.member("created_at", RFC3339.format(row.date(15)))
        }
    }
}
