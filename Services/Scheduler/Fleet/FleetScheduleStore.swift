import Contracts
import Cron
import Foundation
import PlatformInternals
import Postgres
import ServiceHost

/// A filter of the fleet's schedules.
package struct FleetScheduleFilter: Sendable, Hashable {
    /// Nil for all.
    package var conditions: [ScheduleCondition]?
    package var workspace: UUID?
    /// A substring of its name or its workspace's.
    package var text: String?

    package init() {}
}

/// The cursor of a page: the condition, due time and id of the last schedule.
package struct FleetScheduleCursor: Sendable, Hashable {
    package var condition: ScheduleCondition
    package var key: ListCursor

    package init(condition: ScheduleCondition, key: ListCursor) {
        self.condition = condition
        self.key = key
    }

    /// Reads what ``text`` wrote; nil for anything else.
    package init?(_ text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, let condition = ScheduleCondition(rawValue: String(parts[0])),
            let key = ListCursor(String(parts[1]))
        else { return nil }
        self.init(condition: condition, key: key)
    }

    package var text: String { "\(condition.rawValue).\(key.text)" }
}

/// The statements about the schedules of the whole fleet, for operators.
///
/// Unnamed, so that they are planned for each set of values: a generic plan would read every schedule to find those of
/// one workspace.
package struct FleetScheduleStore: Sendable {
    private let postgres: PostgresPool

    package init(postgres: PostgresPool) {
        self.postgres = postgres
    }

    /// ``ScheduleRule/condition(isEnabled:next:lastStatus:now:)`` as the predicates of the partial indexes; and the due
    /// time that the schedules are sorted by, never NULL. `$5` is the tolerance.
    private static let parts: [(condition: ScheduleCondition, sql: String, due: String)] = {
        let isDue = "s.next_run_at IS NOT NULL AND s.next_run_at >= now() - make_interval(secs => $5)"
        func ended(_ status: String) -> String { "s.enabled AND s.last_status = '\(status)' AND \(isDue)" }
        return [
            (.late, "s.enabled AND s.next_run_at IS NULL", unplanned),
            (
                .late,
                "s.enabled AND s.next_run_at IS NOT NULL AND s.next_run_at < now() - make_interval(secs => $5)",
                "s.next_run_at"
            ),
            (.failing, ended("error"), "s.next_run_at"), (.stale, ended("stale"), "s.next_run_at"),
            (.skipped, ended("skipped"), "s.next_run_at"),
            (.ok, "s.enabled AND (s.last_status IS NULL OR s.last_status = 'ok') AND \(isDue)", "s.next_run_at"),
            (.paused, "NOT s.enabled", unplanned),
        ]
    }()

    /// The sort value of schedules without a due time: before all others.
    private static let unplanned = "'1970-01-01 00:00:00+00'::timestamptz"

    /// Whether a schedule `s` matches, whatever its condition: `$1` to `$3`.
    private static let matches = """
        ($1::uuid IS NULL OR s.workspace_id = $1)
            AND ($2::text IS NULL OR strpos(lower(s.name), lower($2)) > 0
                OR s.workspace_id IN (SELECT id FROM named))
            AND EXISTS (SELECT FROM workspaces w WHERE w.id = s.workspace_id AND w.status <> 'removed')
        """

    private static let named = """
        named AS MATERIALIZED (
            SELECT w.id FROM workspaces w WHERE $2::text IS NOT NULL AND strpos(lower(w.name), lower($2)) > 0)
        """

    /// One subquery for each condition, which uses its own index and is not executed unless the condition is requested
    /// (`$3`).
    private static func items(_ rest: (_ rank: Int, _ due: String) -> String) -> String {
        parts.map { part in
            let rank = ScheduleCondition.allCases.firstIndex(of: part.condition) ?? 0
            return """
                (SELECT \(rank) AS rank, \(part.due) AS due, s.id FROM workspace_schedules s
                 WHERE '\(part.condition.rawValue)' = ANY ($3::text[]) AND \(part.sql) AND \(matches)
                    AND $5::float8 IS NOT NULL \(rest(rank, part.due)))
                """
        }.joined(separator: "\nUNION ALL\n")
    }

    package static let page = Statement(
        "",
        """
        WITH \(named),
        page AS MATERIALIZED (
            SELECT rank, due, id AS key FROM (
                \(items { rank, due in
                    """
                    AND ($6::int < \(rank) OR $6 = \(rank) AND (\(due), s.id) > ($7::timestamptz, $8::uuid))
                    ORDER BY \(due), s.id LIMIT $4
                    """
                })) AS found
            ORDER BY rank, due, id LIMIT $4)
        SELECT \(ScheduleStore.columns), (SELECT w.name FROM workspaces w WHERE w.id = workspace_id), page.rank, page.due
        FROM page JOIN workspace_schedules s ON s.id = page.key
        ORDER BY page.rank, page.due, page.key
        """)

    package static let count = Statement(
        "",
        """
        WITH \(named) SELECT count(*) FROM (\(items { _, _ in "" })) AS found WHERE $4::int IS NOT NULL
        """)

    private static let runs = Statement(
        "fleet_schedule_runs",
        """
        SELECT wanted.id, r.created_at, r.status, r.duration_ms, r.error_detail
        FROM unnest($1::uuid[]) AS wanted (id) CROSS JOIN LATERAL (
            SELECT a.created_at, a.status, a.duration_ms, a.error_detail FROM activity_logs a
            WHERE a.schedule_id = wanted.id AND a.activity_type = 'cron_run'
            ORDER BY a.created_at DESC LIMIT \(Limits.scheduleHistory)) AS r
        """)

    /// The schedules after a cursor, with their last runs.
    package func page(
        _ filter: FleetScheduleFilter, after cursor: FleetScheduleCursor?, limit: Int
    ) async throws -> FleetSchedulePage {
        let conditions = filter.conditions ?? ScheduleCondition.allCases
        let parameters: [any PostgresEncodable] = [
            filter.workspace, filter.text, conditions.map(\.rawValue), limit + 1, FiringRule.tolerance,
        ]
        let start: [any PostgresEncodable] = [
            cursor.flatMap { ScheduleCondition.allCases.firstIndex(of: $0.condition) } ?? -1, cursor?.key.at,
            cursor?.key.id,
        ]
        // On an exclusive connection: a filter that matches few schedules reads all of them.
        return try await postgres.transaction(readOnly: true) { transaction in
            let results = try await transaction.query([
                Call(Self.page, parameters + start), Call(Self.count, parameters),
            ])
            let rows = try results[0].map { FleetScheduleRow($0) }
            var schedules = rows.prefix(limit).map(\.schedule)
            let runs = try await transaction.query(Self.runs, [schedules.map(\.schedule.id)])
            try Self.add(runs, to: &schedules)
            return FleetSchedulePage(
                schedules: schedules, total: try results[1].first { $0.int(0) } ?? 0,
                nextCursor: rows.count > limit ? rows[limit - 1].cursor.text : nil)
        }
    }

    private static func add(_ rows: PostgresRows, to schedules: inout [FleetSchedule]) throws(PostgresError) {
        var runs: [UUID: [ScheduleRunSummary]] = [:]
        try rows.forEach { row in
            runs[row.uuid(0), default: []].append(
                ScheduleRunSummary(
                    at: row.date(1), status: row.string(2), durationMilliseconds: row.optionalInt(3),
                    error: row.optionalString(4)))
        }
        for index in schedules.indices { schedules[index].runs = runs[schedules[index].schedule.id] ?? [] }
    }
}

/// A row of the page, and the cursor after it.
private struct FleetScheduleRow {
    let schedule: FleetSchedule
    let cursor: FleetScheduleCursor

    /// - Parameter row: the columns of a schedule, its workspace's name, the rank of its condition, and its due time.
    init(_ row: PostgresRow) {
        let entry = ScheduleEntry(row: row)
        let condition = ScheduleCondition.allCases[min(max(row.int(18), 0), ScheduleCondition.allCases.count - 1)]
        schedule = FleetSchedule(
            schedule: entry, workspaceName: row.optionalString(17) ?? "", condition: condition,
            sentence: ScheduleRule.sentence(entry.cronExpression, in: entry.timezone))
        cursor = FleetScheduleCursor(condition: condition, key: ListCursor(at: row.date(19), id: entry.id))
    }
}
