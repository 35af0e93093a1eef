import Contracts
import EventOutbox
import Foundation
import Postgres

/// The rows of workspaces that are removed go table by table, each in a transaction of its own: nothing brings a
/// removed workspace back, and what holds no locks while it goes through a long table stops nobody.
extension LifecycleStore {
    /// A message that is being delivered goes with its row: nobody else would end its delegation.
    private static let endDelegations = Statement(
        "purge_end_delegations",
        """
        WITH running AS MATERIALIZED (
            SELECT id FROM delegations
            WHERE target_id = ANY ($1) AND status IN ('pending', 'dispatched', 'queued') ORDER BY id FOR UPDATE
        ), given_up AS (
            UPDATE delegations d SET status = 'failed', error = 'workspace removed', updated_at = now(),
                completed_at = now(), result_at = COALESCE(result_at, now())
            FROM running WHERE d.id = running.id
            RETURNING d.id, d.source_id, d.target_id
        )
        INSERT INTO structure_events (type, workspace_id, source, data)
        SELECT 'delegation.failed', source_id, $2, event_delegation(id, target_id, 'failed', error => 'workspace removed')
        FROM given_up RETURNING \(CommittedEvent.columns)
        """)

    /// Everything that belongs to the workspaces but their events, which are the platform's history.
    private static let belongings: [Statement] = [
        Statement("purge_activity", "DELETE FROM activity_logs WHERE workspace_id = ANY ($1)"),
        Statement("purge_activity_index", "DELETE FROM activity_blocks WHERE workspace_id = ANY ($1)"),
        Statement(
            "purge_queue",
            """
            WITH item AS MATERIALIZED (
                SELECT id FROM a2a_queue WHERE workspace_id = ANY ($1) ORDER BY id FOR UPDATE
            )
            DELETE FROM a2a_queue q USING item WHERE q.id = item.id
            """),
        Statement(
            "purge_delegations",
            """
            WITH delegation AS MATERIALIZED (
                SELECT id FROM delegations WHERE source_id = ANY ($1) ORDER BY id FOR UPDATE
            )
            DELETE FROM delegations d USING delegation WHERE d.id = delegation.id
            """),
        Statement("purge_sends", "DELETE FROM idempotent_sends WHERE target_id = ANY ($1)"),
    ]

    /// The vitals would go with their workspaces, but after them: heartbeats lock them before.
    private static let lockVitals = Statement(
        "purge_lock_vitals",
        "SELECT FROM workspace_vitals WHERE workspace_id = ANY ($1) ORDER BY workspace_id FOR UPDATE")

    /// With those whose messages were forwarded to them, which are written as well.
    private static let lockWorkspaces = Statement(
        "purge_lock_workspaces",
        "SELECT FROM workspaces WHERE id = ANY ($1) OR forwarded_to = ANY ($1) ORDER BY id FOR UPDATE")

    private static let deleteWorkspaces = Statement(
        "purge_workspaces", "DELETE FROM workspaces WHERE id = ANY ($1) AND status = 'removed'")

    /// Of one statement: it goes through whole tables.
    private static let purgeDeadline: Duration = .seconds(60)

    /// Deletes the rows of workspaces that are removed. It can be done again from wherever it stopped.
    ///
    /// - Returns: the events of what ended by it.
    /// - Throws: `PostgresError`.
    func purge(_ ids: [UUID]) async throws -> [CommittedEvent] {
        let ended = try await separately(Self.endDelegations, [ids, source]).compactMap { CommittedEvent(row: $0) }
        for statement in Self.belongings { _ = try await separately(statement, [ids]) }
        try await postgres.transaction { transaction in
            _ = try await transaction.query([
                Call(Self.lockVitals, [ids]), Call(Self.lockWorkspaces, [ids]), Call(Self.deleteWorkspaces, [ids]),
            ])
        }
        return ended
    }

    /// On a connection of its own: nobody's look-up should stand behind it.
    private func separately(
        _ statement: Statement, _ parameters: [any PostgresEncodable]
    ) async throws -> PostgresRows {
        try await postgres.transaction(deadline: Self.purgeDeadline) { try await $0.query(statement, parameters) }
    }
}
