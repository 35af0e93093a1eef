import Contracts
import Foundation
import Lifecycle
import PlatformInternals
import Postgres

/// The workspaces that a bulk request selects.
package struct BulkSelection: Sendable {
    /// At most as many as one request changes, in the order in which they are changed.
    package var subjects: [BulkSubject] = []
    /// The total number of matches, after the cursor if there is one.
    package var matched = 0
}

extension FleetStore {
    /// Selects workspaces with the input of the rules, and their depth in the tree.
    ///
    /// - Parameters:
    ///   - condition: selects the matches.
    ///   - rank: the primary sort key, before the age.
    ///   - rest: selects the page of the matches.
    private static func subjects(_ condition: String, rank: String, _ rest: String) -> String {
        """
        WITH RECURSIVE meant AS MATERIALIZED (
            SELECT w.id, w.name, w.parent_id, w.status, w.external, w.created_at FROM workspaces w
            WHERE \(condition)),
        above (id, parent_id, level) AS (
            SELECT id, parent_id, 0 FROM meant
            UNION ALL
            SELECT above.id, p.parent_id, above.level + 1 FROM above JOIN workspaces p ON p.id = above.parent_id
            WHERE above.level < 1000),
        depth AS (SELECT id, max(level) AS depth FROM above GROUP BY id),
        placed AS (SELECT meant.*, depth.depth, \(rank) AS place FROM meant JOIN depth ON depth.id = meant.id),
        chosen AS MATERIALIZED (SELECT placed.*, count(*) OVER () AS matched FROM placed \(rest))
        SELECT chosen.id, chosen.name, chosen.parent_id, chosen.depth, chosen.status, chosen.external,
            coalesce(p.status = 'paused', false), coalesce(v.active_tasks, 0),
            ARRAY(SELECT c.id FROM workspaces c WHERE c.parent_id = chosen.id AND c.status <> 'removed'
                LIMIT \(Limits.bulkWorkspaces + 1)),
            chosen.created_at, chosen.matched
        FROM chosen
        LEFT JOIN workspaces p ON p.id = chosen.parent_id
        LEFT JOIN workspace_vitals v ON v.workspace_id = chosen.id
        ORDER BY chosen.place, chosen.created_at, chosen.id
        """
    }

    private static let named = Statement(
        "bulk_named", subjects("w.id = ANY ($1::uuid[])", rank: "$2::int * depth", ""))
    /// In the order of the changes, so that another request can continue wherever one ends.
    private static let matching = Statement(
        "",
        subjects(
            FleetFilter.condition, rank: "$5::int * depth",
            """
            WHERE $6::int IS NULL OR (place, created_at, id) > ($6, $7::timestamptz, $8::uuid)
            ORDER BY place, created_at, id LIMIT \(Limits.bulkWorkspaces)
            """))

    /// The existing workspaces of these ids.
    package func selection(_ ids: [UUID], for action: BulkAction) async throws -> BulkSelection {
        let rows = try await postgres.transaction(readOnly: true) { transaction in
            try await transaction.query(Self.named, [ids, action.sign])
        }
        return try BulkSelection(rows)
    }

    /// The first workspaces after a cursor that a filter matches, in a status to which the action applies.
    package func selection(
        _ filter: FleetFilter, for action: BulkAction, after cursor: BulkCursor? = nil
    ) async throws -> BulkSelection {
        var filter = filter
        filter.statuses = action.statuses.filter { filter.statuses?.contains($0) ?? true }.sorted {
            $0.rawValue < $1.rawValue
        }
        let parameters =
            filter.parameters + [action.sign, cursor.map { action.sign * $0.depth }, cursor?.at, cursor?.id]
        let rows = try await postgres.transaction(readOnly: true) { transaction in
            try await transaction.query(Self.matching, parameters)
        }
        return try BulkSelection(rows)
    }
}

/// The descendants of workspaces that are changed with them.
package struct BulkDescendants: Sendable {
    /// At most as many as one request changes.
    package var members: [(id: UUID, name: String, status: WorkspaceStatus?)] = []
    /// The total number.
    package var count = 0
}

extension FleetStore {
    private static let below = Statement(
        "bulk_below",
        """
        WITH RECURSIVE tree (id) AS (
            SELECT unnest($1::uuid[])
            UNION SELECT w.id FROM workspaces w JOIN tree ON w.parent_id = tree.id)
        SELECT w.id, w.name, w.status, count(*) OVER () FROM workspaces w
        WHERE w.id IN (SELECT id FROM tree) AND w.id NOT IN (SELECT unnest($1::uuid[]))
            AND w.status = ANY ($2::workspace_status[])
        ORDER BY w.id = ANY ($3::uuid[]) DESC, lower(w.name), w.id LIMIT \(Limits.bulkWorkspaces)
        """)

    /// The descendants that are changed with these workspaces; the requested ones come first.
    package func below(_ ids: [UUID], asked: [UUID], for action: BulkAction) async throws -> BulkDescendants {
        guard action.includesDescendants, !ids.isEmpty else { return BulkDescendants() }
        let rows = try await postgres.transaction(readOnly: true) { transaction in
            try await transaction.query(Self.below, [ids, action.statuses.map(\.rawValue), asked])
        }
        return BulkDescendants(
            members: try rows.map { ($0.uuid(0), $0.string(1), WorkspaceStatus(rawValue: $0.string(2))) },
            count: try rows.first { $0.int(3) } ?? 0)
    }
}

extension BulkAction {
    /// The sign of the depth in the order of the changes.
    fileprivate var sign: Int { isBottomUp ? -1 : 1 }
}

extension BulkSelection {
    fileprivate init(_ rows: PostgresRows) throws(PostgresError) {
        self.init(subjects: try rows.map { BulkSubject($0) }, matched: try rows.first { $0.int(10) } ?? 0)
    }
}

extension BulkSubject {
    fileprivate init(_ row: PostgresRow) {
        self.init(
            id: row.uuid(0), name: row.string(1), parent: row.optionalUUID(2), depth: row.int(3),
            createdAt: row.date(9),
            subject: LifecycleRule.Subject(
                status: WorkspaceStatus(rawValue: row.string(4)) ?? .removed, isExternal: row.bool(5),
                isParentPaused: row.bool(6), activeTasks: row.int(7)),
            children: row.uuids(8))
    }
}
