import Contracts
import Foundation
import JSONBytes
import PlatformInternals
import Postgres

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
    func present(_ id: UUID) async throws(PostgresError) -> PeerRecord? {
        try await find(id).flatMap { $0.status == .removed ? nil : $0 }
    }

    /// The same, removed ones included.
    func find(_ id: UUID) async throws(PostgresError) -> PeerRecord? {
        try await postgres.query(Self.find, [id]).first { row in
            PeerRecord(
                id: id, name: row.string(0), status: WorkspaceStatus(rawValue: row.string(1)) ?? .failed,
                url: Self.address(row.optionalString(2)), internalURL: Self.address(row.optionalString(3)),
                isProvisioned: row.bool(4), isExternal: row.bool(5), forwardedTo: row.optionalUUID(6),
                position: TreePosition(id: id, ancestors: Array(row.uuids(7).dropFirst())))
        }
    }

    private static func address(_ url: String?) -> String? { url?.isEmpty == false ? url : nil }

    /// One relation's workspaces behind a place, as far as a page may need them, out of the index in its order. All have
    /// one parent; that the order names it all the same lets the planner see that it is the index's for roots, too.
    private static func branch(_ distance: Int, _ relation: String, after place: String) -> String {
        """
        (SELECT \(distance) AS distance, left(w.name, 200) AS place, w.id FROM workspaces w
         WHERE \(relation) AND w.id <> $1 AND w.status <> 'removed' AND (left(w.name, 200), w.id) > (\(place))
            AND ($2::text IS NULL OR strpos(lower(w.name), lower($2)) > 0
                OR strpos(lower(COALESCE(w.role, '')), lower($2)) > 0)
         ORDER BY w.parent_id, left(w.name, 200), w.id LIMIT $3)
        """
    }

    /// Parent and children, then siblings, roots being siblings of each other; by name. A page ends early when its
    /// cards are large.
    private static let peers = Statement(
        "peer_page",
        """
        WITH self AS MATERIALIZED (SELECT parent_id FROM workspaces WHERE id = $1 AND status <> 'removed'),
        near AS MATERIALIZED (
            SELECT * FROM (
                \(branch(1, "w.id = (SELECT parent_id FROM self)", after: "$5::text, $6::uuid"))
                UNION ALL
                \(branch(1, "w.parent_id = $1 AND EXISTS (SELECT FROM self)", after: "$5::text, $6::uuid"))
                UNION ALL
                \(branch(2, "w.parent_id = (SELECT parent_id FROM self)", after: "$7::text, $8::uuid"))
                UNION ALL
                \(branch(2, "w.parent_id IS NULL AND (SELECT parent_id IS NULL FROM self)", after: "$7, $8"))
            ) AS all_near
            WHERE distance >= $4 ORDER BY distance, place, id LIMIT $3
        ), known AS (
            SELECT near.*, w.name, w.role, w.tier, w.status, COALESCE(w.url, '') AS url, w.parent_id, v.active_tasks,
                w.agent_card, count(*) OVER () AS found, sum(COALESCE(octet_length(w.agent_card::text), 0))
                    OVER (ORDER BY distance, place, w.id) - COALESCE(octet_length(w.agent_card::text), 0) AS before
            FROM near JOIN workspaces w ON w.id = near.id JOIN workspace_vitals v ON v.workspace_id = w.id
        )
        SELECT id, name, role, tier, status, url, parent_id, active_tasks,
            CASE WHEN before < $9 THEN agent_card END AS agent_card, distance, place, found
        FROM known WHERE before < $9 OR $10 ORDER BY distance, place, id
        """)

    /// Bytes of the cards of one page; the one that reaches them is still in it.
    package static let pageBytes = 4 << 20
    /// Before every name and id.
    private static let beginning = PeerCursor(
        distance: 0, place: "", id: UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)))

    /// The next peers after `cursor` as a JSON array, and where the page after them begins; `nil` at the end.
    ///
    /// - Parameters:
    ///   - text: part of a name or role, in any case; `nil` for all.
    ///   - isWhole: the page ends at `limit` whatever its bytes, without the cards beyond them: for clients that know of no
    ///     further page.
    func peers(
        of id: UUID, matching text: String?, after cursor: PeerCursor? = nil, limit: Int = Limits.peerPage,
        isWhole: Bool = false
    ) async throws(PostgresError) -> (json: [UInt8], next: PeerCursor?) {
        let cursor = cursor ?? Self.beginning
        let near = cursor.distance == 1 ? cursor : Self.beginning
        let far = cursor.distance == 2 ? cursor : Self.beginning
        let rows = try await postgres.query(
            Self.peers,
            [id, text, limit, cursor.distance, near.place, near.id, far.place, far.id, Self.pageBytes, isWhole])
        let next = try rows.last { last -> PeerCursor? in
            guard rows.count == limit || rows.count < last.int(11) else { return nil }
            return PeerCursor(distance: last.int(9), place: last.string(10), id: last.uuid(0))
        }
        return (try Self.json(rows), next)
    }

    private static func json(_ rows: PostgresRows) throws(PostgresError) -> [UInt8] {
        var writer = JSONWriter(reservingCapacity: 2 + rows.count * 512)
        writer.beginArray()
        try rows.forEach { row in
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
        writer.endArray()
        return writer.bytes
    }
}

/// Where a page of peers begins: after this one.
struct PeerCursor: Sendable, Hashable {
    /// 1 for the parent and children, 2 for siblings.
    var distance: Int
    /// The beginning of its name, as far as the order looks.
    var place: String
    var id: UUID
}
