import Contracts
import Foundation
import PlatformInternals
import Postgres

/// Reads what the proxy needs to know about workspaces.
package struct TargetStore: Sendable {
    private let postgres: PostgresPool

    package init(postgres: PostgresPool) {
        self.postgres = postgres
    }

    private static let find = Statement(
        "proxy_targets",
        """
        SELECT w.id, w.name, w.status, w.url, w.url_provisioned, w.forwarded_to, w.budget_limit, w.monthly_spend,
          coalesce(v.capabilities, 0), v.idle_timeout_seconds,
          (WITH RECURSIVE path (id, parent_id, depth) AS (
             SELECT p.id, p.parent_id, 1 FROM workspaces p WHERE p.id = w.parent_id
             UNION ALL
             SELECT p.id, p.parent_id, path.depth + 1 FROM path JOIN workspaces p ON p.id = path.parent_id
             WHERE path.depth < $2)
           SELECT array_agg(path.id ORDER BY path.depth) FROM path)
        FROM unnest($1::uuid[]) AS wanted (id)
        JOIN workspaces w ON w.id = wanted.id
        LEFT JOIN workspace_vitals v ON v.workspace_id = w.id
        """)

    /// Those of the workspaces that exist, in any order.
    package func find(_ ids: Set<UUID>) async throws(PostgresError) -> [Target] {
        try await postgres.query(Self.find, [Array(ids), TreePosition.levelLimit]).map { row in
            Target(
                position: TreePosition(id: row.uuid(0), ancestors: row.optionalUUIDs(10) ?? []), name: row.string(1),
                status: WorkspaceStatus(rawValue: row.string(2)) ?? .failed, url: row.optionalString(3),
                isProvisioned: row.bool(4), forwardedTo: row.optionalUUID(5), budgetLimit: row.optionalInt(6),
                monthlySpend: row.int(7), capabilities: Capabilities(rawValue: Int16(truncatingIfNeeded: row.int(8))),
                idleTimeout: row.optionalInt(9).map { .seconds($0) })
        }
    }

    private static let card = Statement(
        "proxy_card", "SELECT agent_card FROM workspaces WHERE id = $1 AND status <> 'removed'")

    /// The agent's own card; nil for an unknown or removed workspace, `.some(nil)` for one without a card.
    package func card(of id: UUID) async throws(PostgresError) -> [UInt8]?? {
        try await postgres.query(Self.card, [id]).first { .some($0.optionalBytes(0)) }
    }

    private static let liveness = Statement(
        "proxy_liveness",
        """
        SELECT extract(epoch FROM now() - greatest(last_heartbeat_at, last_seen_at))::double precision
        FROM workspace_vitals WHERE workspace_id = $1
        """)

    /// How long ago the database heard of a workspace, by its own clock.
    package func silence(of id: UUID) async throws(PostgresError) -> Duration? {
        try await postgres.query(Self.liveness, [id], deadline: .seconds(2)).first { row in
            row.optionalDouble(0).map { .seconds($0) }
        }
    }

    private static let restarting = Statement(
        "proxy_restarting",
        """
        SELECT EXISTS (SELECT FROM lifecycle_jobs WHERE workspace_id = $1 AND kind = 'restart' AND completed_at IS NULL)
        """)

    /// Whether a restart of a workspace is under way, or waits for its turn.
    package func isRestarting(_ id: UUID) async throws(PostgresError) -> Bool {
        try await postgres.query(Self.restarting, [id]).first { $0.bool(0) } ?? false
    }

    private static let markUsed = Statement(
        "proxy_mark_used", locks: .requeue,
        """
        WITH input AS (
          SELECT id, bool_or(sent) AS sent, bool_or(NOT sent) AS received
          FROM unnest($1::uuid[], $2::boolean[]) AS i (id, sent) GROUP BY id),
        locked AS MATERIALIZED (
          SELECT v.workspace_id FROM workspace_vitals v WHERE v.workspace_id = ANY ($1) ORDER BY v.workspace_id
          FOR UPDATE)
        UPDATE workspace_vitals v SET
          last_outbound_at = CASE WHEN i.sent THEN now() ELSE v.last_outbound_at END,
          last_inbound_at = CASE WHEN i.received THEN now() ELSE v.last_inbound_at END
        FROM locked JOIN input i ON i.id = locked.workspace_id
        WHERE v.workspace_id = locked.workspace_id
        """)

    /// Notes who sent and who received a message.
    package func markUsed(_ parties: [CallParty]) async throws(PostgresError) {
        _ = try await postgres.query(Self.markUsed, [parties.map(\.workspace), parties.map(\.isSender)])
    }
}

/// A workspace takes part in a call.
package struct CallParty: Sendable, Hashable {
    package let workspace: UUID
    /// It sent the message; else it received it.
    package let isSender: Bool
}
