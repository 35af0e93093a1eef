import Contracts
import Foundation
import PlatformInternals
import Postgres

/// What peers and operators see of schedules.
package struct ScheduleHealthStore: Sendable {
    private let postgres: PostgresPool

    package init(postgres: PostgresPool) {
        self.postgres = postgres
    }

    private static let health = Statement(
        "schedule_health",
        """
        SELECT id, workspace_id, name, enabled, last_run_at, next_run_at, run_count, last_status,
            CASE WHEN starts_with(last_error, $2) THEN $2 ELSE last_error END
        FROM workspace_schedules WHERE workspace_id = $1 ORDER BY created_at, name, id
        """)

    /// A workspace's schedules without what they say and when: what is wrong with an expression quotes it.
    package func health(of workspace: UUID) async throws(PostgresError) -> [ScheduleHealth] {
        try await postgres.query(Self.health, [workspace, ErrorMessage.invalidCronExpression]).map { row in
            ScheduleHealth(
                id: row.uuid(0), workspaceID: row.uuid(1), name: row.string(2), enabled: row.bool(3),
                lastRunAt: row.optionalDate(4), nextRunAt: row.optionalDate(5), runCount: row.int(6),
                lastStatus: row.optionalString(7).flatMap { ScheduleStatus(rawValue: $0) },
                lastError: row.optionalString(8))
        }
    }

    private static let unhealthy = Statement(
        "schedule_set_error",
        """
        SELECT s.id, s.workspace_id, w.name, s.name, s.last_run_at, s.next_run_at, s.run_count, s.last_status,
            s.last_error, now()
        FROM workspace_schedules s JOIN workspaces w ON w.id = s.workspace_id
        WHERE s.enabled AND (s.next_run_at IS NULL OR s.next_run_at < now() - make_interval(secs => $1)
            OR s.last_status IN ('error', 'stale', 'skipped'))
        ORDER BY coalesce(s.next_run_at, '-infinity') >= now() - make_interval(secs => $1),
            s.last_status IS DISTINCT FROM 'error', s.last_status IS DISTINCT FROM 'stale', s.next_run_at NULLS FIRST,
            s.id LIMIT \(Limits.unhealthySchedules)
        """)

    /// Enabled schedules that are late, failing, stale or skipped, in this order; of those, the ones due for longest first.
    package func unhealthy() async throws(PostgresError) -> [UnhealthySchedule] {
        try await postgres.query(Self.unhealthy, [FiringRule.tolerance]).map { row in
            let status = row.optionalString(7).flatMap { ScheduleStatus(rawValue: $0) }
            let next = row.optionalDate(5)
            return UnhealthySchedule(
                problems: ScheduleRule.problems(next: next, lastStatus: status, now: row.date(9)), id: row.uuid(0),
                workspaceID: row.uuid(1), workspaceName: row.string(2), name: row.string(3),
                lastRunAt: row.optionalDate(4), nextRunAt: next, runCount: row.int(6), lastStatus: status,
                lastError: row.optionalString(8))
        }
    }

    private static let position = Statement(
        "schedule_peer",
        """
        WITH RECURSIVE up (id, parent_id, depth) AS (
            SELECT id, parent_id, 0 FROM workspaces WHERE id = $1 AND status <> 'removed'
            UNION ALL
            SELECT p.id, p.parent_id, up.depth + 1 FROM up JOIN workspaces p ON p.id = up.parent_id
            WHERE up.depth < \(TreePosition.levelLimit)
        )
        SELECT array_agg(id ORDER BY depth) FROM up HAVING count(*) > 0
        """)

    /// Where a workspace stands in the tree; nil for one that is unknown or removed.
    package func position(of workspace: UUID) async throws(PostgresError) -> TreePosition? {
        try await postgres.query(Self.position, [workspace]).first { row in
            TreePosition(id: workspace, ancestors: Array(row.uuids(0).dropFirst()))
        }
    }
}
