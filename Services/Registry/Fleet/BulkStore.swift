import Contracts
import Foundation
import Lifecycle
import PostgresClient
import WorkspaceTree

/// What a request to change many means.
package struct BulkSelection: Sendable {
    /// At most as many as one request changes.
    package var subjects: [BulkSubject] = []
    /// How many there are in all.
    package var matched = 0
}

extension FleetStore {
    /// With what the rules look at, and where each stands in the tree.
    private static func subjects(_ condition: String) -> String {
        """
        WITH RECURSIVE chosen AS MATERIALIZED (
            SELECT w.id, w.name, w.parent_id, w.status, w.external FROM workspaces w WHERE \(condition)),
        above (id, parent_id, level) AS (
            SELECT id, parent_id, 0 FROM chosen
            UNION ALL
            SELECT above.id, p.parent_id, above.level + 1 FROM above JOIN workspaces p ON p.id = above.parent_id
            WHERE above.level < 1000),
        depth AS (SELECT id, max(level) AS depth FROM above GROUP BY id)
        SELECT chosen.id, chosen.name, chosen.parent_id, depth.depth, chosen.status, chosen.external,
            coalesce(p.status = 'paused', false), coalesce(v.active_tasks, 0),
            ARRAY(SELECT c.id FROM workspaces c WHERE c.parent_id = chosen.id AND c.status <> 'removed'
                LIMIT \(Limits.bulkWorkspaces + 1))
        FROM chosen JOIN depth ON depth.id = chosen.id
        LEFT JOIN workspaces p ON p.id = chosen.parent_id
        LEFT JOIN workspace_vitals v ON v.workspace_id = chosen.id
        """
    }

    private static let named = Statement("bulk_named", subjects("w.id = ANY ($1::uuid[])"))
    private static let matching = Statement(
        "",
        subjects(
            """
            w.id IN (SELECT w.id FROM workspaces w WHERE \(FleetFilter.condition)
                ORDER BY w.created_at, w.id LIMIT \(Limits.bulkWorkspaces))
            """))
    private static let countMatching = Statement(
        "", "SELECT count(*) FROM workspaces w WHERE \(FleetFilter.condition)")

    /// The workspaces of these ids that there are.
    package func selection(_ ids: [UUID]) async throws -> BulkSelection {
        let rows = try await postgres.transaction(readOnly: true) { transaction in
            try await transaction.query(Self.named, [ids])
        }
        let subjects = try rows.map { BulkSubject($0) }
        return BulkSelection(subjects: subjects, matched: subjects.count)
    }

    /// The oldest workspaces that a filter matches in a status from which the action makes sense.
    package func selection(_ filter: FleetFilter, for action: BulkAction) async throws -> BulkSelection {
        var filter = filter
        filter.statuses = action.statuses.filter { filter.statuses?.contains($0) ?? true }.sorted {
            $0.rawValue < $1.rawValue
        }
        let parameters = filter.parameters
        let answers = try await postgres.transaction(readOnly: true) { transaction in
            try await transaction.query([Call(Self.matching, parameters), Call(Self.countMatching, parameters)])
        }
        return BulkSelection(
            subjects: try answers[0].map { BulkSubject($0) }, matched: try answers[1].first { $0.int(0) } ?? 0)
    }
}

extension BulkSubject {
    fileprivate init(_ row: PostgresRow) {
        self.init(
            id: row.uuid(0), name: row.string(1), parent: row.optionalUUID(2), depth: row.int(3),
            subject: LifecycleRule.Subject(
                status: WorkspaceStatus(rawValue: row.string(4)) ?? .removed, isExternal: row.bool(5),
                isParentPaused: row.bool(6), activeTasks: row.int(7)),
            children: row.uuids(8))
    }
}
