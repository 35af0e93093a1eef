import Contracts
import EventOutbox
import Foundation
import Postgres

extension LifecycleStore {
    /// What is being provisioned already has its whole time before it again, as the start that was asked for has.
    /// The partial index on open starts lets one restart of a workspace through, whoever else asks for one meanwhile.
    private static let restart = Statement(
        "lifecycle_restart",
        """
        WITH job AS (
            INSERT INTO lifecycle_jobs (workspace_id, kind, reason) VALUES ($1, 'restart', $2)
            ON CONFLICT DO NOTHING RETURNING workspace_id
        ), before AS (
            SELECT w.id, w.status FROM job JOIN workspaces w ON w.id = job.workspace_id
        ), flipped AS (
            UPDATE workspaces w SET status = 'provisioning', status_reason = NULL, status_changed_at = now(),
                updated_at = now(), managed = true, url = CASE WHEN w.url_provisioned THEN NULL ELSE w.url END
            FROM before WHERE w.id = before.id
            RETURNING w.id, w.name, w.tier, w.runtime, before.status AS was
        )
        INSERT INTO structure_events (type, workspace_id, source, data)
        SELECT 'workspace.provisioning', id, $3, event_workspace_provisioning(name, tier, runtime)
        FROM flipped WHERE was <> 'provisioning'
        RETURNING \(CommittedEvent.columns)
        """)

    /// Restarts a workspace, once however many ask for it at the same time.
    ///
    /// - Throws: ``LifecycleRefusal``, `PostgresError`.
    package func restart(_ id: UUID, reason: String) async throws -> Change {
        try await change { transaction in
            let subject = try await subject(id, transaction)
            try LifecycleRule.restart(subject, hasProvisioner: hasProvisioner)
            try await supersede([id], [.stop], transaction)
            let rows = try await transaction.query(Self.restart, [id, reason, source])
            return Change(events: try rows.compactMap { CommittedEvent(row: $0) }, count: 1)
        }
    }

    /// Locks open starts by their ids, as whoever extends their leases does: an insert comes to them in the order of the
    /// workspaces, and locks those that it leaves alone, too.
    private static func lockingStarts(_ condition: String) -> String {
        """
        SELECT id FROM lifecycle_jobs
        WHERE \(condition) AND completed_at IS NULL AND kind IN ('start', 'restart')
        ORDER BY id FOR UPDATE
        """
    }

    static let lockStarts = Statement("lifecycle_lock_starts", lockingStarts("workspace_id = ANY ($1)"))
    private static let lockAllStarts = Statement("lifecycle_lock_all_starts", lockingStarts("true"))

    /// A start that is under way has read the old secrets: it is done once more.
    private static let secretChanged = Statement(
        "lifecycle_secret_changed",
        """
        INSERT INTO lifecycle_jobs (workspace_id, kind, reason)
        SELECT w.id, 'restart', 'secret changed' FROM workspaces w
        WHERE w.managed AND w.status IN ('provisioning', 'online', 'degraded', 'offline', 'failed')
            AND CASE WHEN $1::uuid IS NOT NULL THEN w.id = $1 ELSE NOT w.self_registered AND NOT EXISTS (
                SELECT FROM workspace_secrets s WHERE s.workspace_id = w.id AND s.key = $2) END
        ORDER BY w.id
        ON CONFLICT (workspace_id) WHERE completed_at IS NULL AND kind IN ('start', 'restart')
        DO UPDATE SET repeats = true WHERE lifecycle_jobs.lease_owner IS NOT NULL
        """)

    /// Has workspaces restarted whose environment changed, in the transaction that changes it.
    ///
    /// - Parameters:
    ///   - workspace: whose secret it is; `nil` for all that have none of their own under `key`.
    package func secretChanged(
        of workspace: UUID?, key: String, _ transaction: Transaction
    ) async throws(PostgresError) {
        guard hasProvisioner else { return }
        let change = Call(Self.secretChanged, [workspace, key])
        _ = try await transaction.query(workspace == nil ? [Call(Self.lockAllStarts), change] : [change])
    }

    private static let imageChanged = Statement(
        "lifecycle_image_changed",
        """
        INSERT INTO lifecycle_jobs (workspace_id, kind, reason)
        SELECT w.id, 'restart', 'image changed' FROM workspaces w
        WHERE w.id = ANY ($1) AND w.managed AND w.status IN ('provisioning', 'online', 'degraded', 'offline')
        ORDER BY w.id
        ON CONFLICT (workspace_id) WHERE completed_at IS NULL AND kind IN ('start', 'restart')
        DO UPDATE SET repeats = true WHERE lifecycle_jobs.lease_owner IS NOT NULL
        """)

    /// Has workspaces started anew whose image is another one now, in the transaction that takes note of it. Those that do
    /// not run by now get it when they are started.
    package func imageChanged(of workspaces: [UUID], _ transaction: Transaction) async throws(PostgresError) {
        _ = try await transaction.query([
            Call(Self.lockStarts, [workspaces]), Call(Self.imageChanged, [workspaces]),
        ])
    }

    // MARK: - Hibernation

    /// Where nothing of ours runs, there is nothing to stop: it sleeps at once.
    private static let hibernate = Statement(
        "lifecycle_hibernate",
        """
        WITH slept AS (
            UPDATE workspaces SET status_reason = NULL, status_changed_at = now(), updated_at = now(),
                status = CASE WHEN $2 AND managed THEN 'hibernating' ELSE 'hibernated' END::workspace_status,
                url = CASE WHEN url_provisioned THEN NULL ELSE url END, url_provisioned = false
            WHERE id = $1 RETURNING id, name, $2 AND managed AS ours
        ), job AS (
            INSERT INTO lifecycle_jobs (workspace_id, kind, reason, available_at)
            SELECT id, 'stop', 'hibernated', now() + make_interval(secs => $4) FROM slept WHERE ours
            ON CONFLICT DO NOTHING
        )
        INSERT INTO structure_events (type, workspace_id, source, data)
        SELECT CASE WHEN ours THEN 'workspace.updated' ELSE 'workspace.hibernated' END, id, $3,
            CASE WHEN ours THEN event_workspace_updated(name, ARRAY['status']) ELSE event_workspace_stopped(name) END
        FROM slept
        RETURNING \(CommittedEvent.columns)
        """)

    /// Seconds between the moment in which an idle workspace is to sleep and its stop: by then no proxy believes that it is
    /// awake, whatever it missed, and what was sent to it just before has had its response.
    private static let idleStopDelay = 8.0

    /// Sends a workspace to sleep; a message wakes it. Proxies are told at once.
    ///
    /// - Parameters:
    ///   - isForced: although it is at work.
    ///   - isDue: looks once more, in the same transaction and before the workspace is locked; nothing is changed when it says
    ///     no.
    /// - Throws: ``LifecycleRefusal``, `PostgresError`.
    package func hibernate(
        _ id: UUID, isForced: Bool, if isDue: (@Sendable (Transaction) async throws -> Bool)? = nil
    ) async throws -> Change {
        try await change { transaction in
            if let isDue, !(try await isDue(transaction)) { return Change() }
            try LifecycleRule.hibernate(try await subject(id, transaction), isForced: isForced)
            try await supersede([id], [.start, .restart], transaction)
            let delay = isDue == nil ? 0 : Self.idleStopDelay
            let rows = try await transaction.query(Self.hibernate, [id, hasProvisioner, source, delay])
            let jobs = try await openJobs([id], .stop, transaction)
            return Change(events: try rows.compactMap { CommittedEvent(row: $0) }, count: 1, jobs: jobs)
        }
    }
}
