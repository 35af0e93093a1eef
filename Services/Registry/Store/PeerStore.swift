import Contracts
import Foundation
import JSONBytes
import PostgresClient
import WorkspaceTree

/// The statements of discovery.
struct PeerStore: Sendable {
    let postgres: PostgresPool

    private static let find = Statement(
        "peer_find",
        """
        WITH RECURSIVE up (id, parent_id, depth) AS (
            SELECT id, parent_id, 0 FROM workspaces WHERE id = $1
            UNION ALL
            SELECT p.id, p.parent_id, up.depth + 1 FROM up JOIN workspaces p ON p.id = up.parent_id
            WHERE up.depth < 32
        )
        SELECT w.name, w.status, w.url, w.internal_url, w.url_provisioned, w.external, w.forwarded_to,
            (SELECT array_agg(id ORDER BY depth) FROM up)
        FROM workspaces w WHERE w.id = $1
        """)

    /// A workspace that is not removed, with its path up the tree; 32 levels at most.
    func present(_ id: UUID) async throws(PostgresError) -> KnownPeer? {
        try await find(id).flatMap { $0.status == .removed ? nil : $0 }
    }

    /// The same, removed ones included.
    func find(_ id: UUID) async throws(PostgresError) -> KnownPeer? {
        guard let row = try await postgres.query(Self.find, [id]).first else { return nil }
        return KnownPeer(
            id: id, name: row.string(0), status: WorkspaceStatus(rawValue: row.string(1)) ?? .failed,
            url: Self.address(row.optionalString(2)), internalURL: Self.address(row.optionalString(3)),
            isProvisioned: row.bool(4), isExternal: row.bool(5), forwardedTo: row.optionalUUID(6),
            position: TreePosition(id: id, ancestors: Array(row.uuids(7).dropFirst())))
    }

    private static func address(_ url: String?) -> String? { url?.isEmpty == false ? url : nil }

    /// Parent, children and siblings, roots being siblings of each other.
    private static let peers = Statement(
        "peer_list",
        """
        WITH self AS (SELECT id, parent_id FROM workspaces WHERE id = $1 AND status <> 'removed')
        SELECT w.id, w.name, w.role, w.tier, w.status, COALESCE(w.url, ''), w.parent_id, v.active_tasks, w.agent_card
        FROM self JOIN workspaces w ON w.id <> self.id
            AND (w.parent_id = self.id OR w.id = self.parent_id OR w.parent_id = self.parent_id
                OR (w.parent_id IS NULL AND self.parent_id IS NULL))
        JOIN workspace_vitals v ON v.workspace_id = w.id
        WHERE w.status <> 'removed'
            AND ($2::text IS NULL OR strpos(lower(w.name), lower($2)) > 0
                OR strpos(lower(COALESCE(w.role, '')), lower($2)) > 0)
        ORDER BY w.name, w.id
        """)

    /// The peers as a JSON array.
    ///
    /// - Parameter text: part of a name or role, in any case; `nil` for all.
    func peers(of id: UUID, matching text: String?) async throws(PostgresError) -> [UInt8] {
        let rows = try await postgres.query(Self.peers, [id, text])
        var writer = JSONWriter(reservingCapacity: 2 + rows.count * 512)
        writer.array { writer in
            for row in rows {
                writer.object { writer in
                    writer.member("id", row.string(0))
                    writer.member("name", row.string(1))
                    writer.member("role", orNull: row.optionalString(2))
                    writer.member("tier", row.int(3))
                    writer.member("status", row.string(4))
                    writer.member("url", row.string(5))
                    writer.member("parent_id", orNull: row.optionalString(6))
                    writer.member("active_tasks", row.int(7))
                    writer.member("agent_card", rawOrNull: row.optionalBytes(8))
                }
            }
        }
        return writer.bytes
    }
}
