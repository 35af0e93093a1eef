import AgentResponses
import Contracts
import Foundation
import JSONBytes
import Postgres

/// Every statement that writes rows of the feed, `activity_logs`, whichever service does it. The Notifier reads them.
package struct ActivityLogStore: Sendable {
    private let postgres: PostgresPool

    package init(postgres: PostgresPool) {
        self.postgres = postgres
    }

    // MARK: - Messages

    private static let copy = """
        COPY activity_logs (id, workspace_id, activity_type, source_id, target_id, method, summary, request_body,
          response_body, status, duration_ms, error_detail, tool_trace, input_tokens, output_tokens, created_at)
        FROM STDIN (FORMAT binary)
        """

    /// Writes rows, all or none. Bodies that are no JSON are stored as strings.
    ///
    /// - Throws: `PostgresError`; a unique violation of `activity_logs_pkey` when one of them is there already.
    package func copy(_ rows: [ActivityRow]) async throws {
        try await postgres.copyIn(Self.copy, Self.encoded(rows), deadline: .seconds(30))
    }

    private static func encoded(_ rows: [ActivityRow]) -> [[UInt8]] {
        var copy = BinaryRows()
        for row in rows { add(row, to: &copy) }
        return copy.finish()
    }

    private static func add(_ row: ActivityRow, to copy: inout BinaryRows) {
        let request = row.request.map(Body.init)
        let response = row.response.map(Body.init)
        let facts = response?.facts ?? ResponseFacts()
        copy.beginRow(columns: 16)
        copy.append(row.id)
        copy.append(row.workspace)
        copy.append(row.type.rawValue)
        copy.append(row.source)
        copy.append(row.target)
        copy.append(row.method?.withoutNUL)
        copy.append(row.summary.withoutNUL)
        add(request?.json, to: &copy)
        add(row.keepsBodies ? response?.json : nil, to: &copy)
        copy.append(row.status)
        copy.append(row.durationMilliseconds)
        copy.append(row.error?.withoutNUL)
        add(facts.toolTrace, to: &copy)
        copy.append(facts.inputTokens)
        copy.append(facts.outputTokens)
        copy.append(row.createdAt)
    }

    private static func add(_ json: [UInt8]?, to copy: inout BinaryRows) {
        if let json { copy.append(utf8: json) } else { copy.appendNull() }
    }

    /// A body as the column takes it.
    private struct Body {
        let json: [UInt8]
        private let parsed: JSONSlice?

        init(_ bytes: [UInt8]) {
            parsed = try? JSONSlice(validating: bytes)
            json = parsed == nil ? RawJSON(stringOf: bytes).bytes : bytes
        }

        var facts: ResponseFacts? { parsed.map { ResponseFacts($0) } }
    }

    // MARK: - What workspaces report

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

    /// Writes a row that a workspace reports.
    ///
    /// - Returns: what viewers are told of it; nil when there is no such workspace (any more), and no row.
    package func add(_ activity: NewActivity, to workspace: UUID) async throws(PostgresError) -> ActivityLogged? {
        let rows = try await postgres.query(
            Self.insert,
            [
                workspace, activity.type.rawValue, activity.sourceID, activity.targetID, activity.method,
                activity.summary, activity.requestBody, activity.responseBody, activity.status,
                activity.durationMilliseconds, activity.errorDetail, activity.toolTrace,
            ])
        return try rows.first { row in
            ActivityLogged(
                id: row.uuid(0), workspaceID: workspace, activityType: activity.type, sourceID: activity.sourceID,
                targetID: activity.targetID, method: activity.method, summary: activity.summary,
                status: activity.status, durationMilliseconds: activity.durationMilliseconds,
                errorDetail: activity.errorDetail, createdAt: row.date(1))
        }
    }

    // MARK: - Runs of schedules

    private static let runRows = Recordset<RunActivity>([
        .uuid("id") { $0.id },
        .uuid("workspace_id") { $0.workspace },
        .text("summary") { $0.summary },
        .text("status") { $0.status },
        .integer("milliseconds") { $0.milliseconds },
        .text("error") { $0.error },
        .uuid("schedule_id") { $0.schedule },
        .time("at") { $0.at },
    ])

    private static let insertRuns = Statement(
        "run_activity",
        """
        INSERT INTO activity_logs (id, workspace_id, activity_type, method, summary, request_body, status, duration_ms,
            error_detail, schedule_id, created_at)
        SELECT i.id, i.workspace_id, 'cron_run', 'message/send', i.summary, i.request::json, i.status, i.milliseconds,
            i.error, i.schedule_id, i.at
        FROM ROWS FROM (unnest($2::text[]), json_to_recordset($1::json) AS (\(runRows.definition))) AS i (request)
        """)

    /// The call that writes rows of runs, for the transaction that records them.
    package static func inserting(_ runs: [RunActivity]) -> Call {
        Call(insertRuns, [runRows.json(runs), runs.map { String(decoding: $0.request, as: UTF8.self) }])
    }
}
