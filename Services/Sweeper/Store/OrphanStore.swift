import Foundation
import Postgres
import Provisioning

/// The statements about containers and volumes that no living workspace has.
package struct OrphanStore: Sendable {
    let postgres: PostgresPool

    package init(postgres: PostgresPool) {
        self.postgres = postgres
    }

    /// Names of one statement.
    private static let page = 1000

    // MARK: - Who is known

    private static let rows = Statement(
        "orphan_rows",
        """
        SELECT n.name, w.id, w.status = 'removed'
        FROM unnest($1::text[], $2::uuid[], $3::uuid[]) AS n (name, low, high)
        JOIN workspaces w ON w.id BETWEEN n.low AND n.high
        """)

    /// Of workspaces that were purged, too, whose jobs are all that is left of them.
    private static let jobs = Statement(
        "orphan_jobs",
        """
        SELECT DISTINCT n.name FROM unnest($1::text[], $2::uuid[], $3::uuid[]) AS n (name, low, high)
        JOIN lifecycle_jobs j ON j.workspace_id BETWEEN n.low AND n.high AND j.completed_at IS NULL
        """)

    /// What the database knows of the workspaces that containers are named after; nothing of names that are not in it.
    package func known(_ names: [WorkspaceName]) async throws(PostgresError) -> [WorkspaceName: OrphanRule
        .WorkspaceRecords]
    {
        var known: [WorkspaceName: OrphanRule.WorkspaceRecords] = [:]
        for start in stride(from: 0, to: names.count, by: Self.page) {
            let page = names[start..<min(start + Self.page, names.count)].filter { $0.ids != nil }
            let parameters: [any PostgresEncodable] = [
                page.map(\.prefix), page.compactMap { $0.ids?.lowerBound }, page.compactMap { $0.ids?.upperBound },
            ]
            let results = try await postgres.atomically([Call(Self.rows, parameters), Call(Self.jobs, parameters)])
            for row in try results[0].map({ (name: $0.string(0), id: $0.uuid(1), isRemoved: $0.bool(2)) }) {
                guard let name = WorkspaceName(prefix: row.name) else { continue }
                if row.isRemoved {
                    known[name, default: .init()].removed.append(row.id)
                } else {
                    known[name, default: .init()].hasLiving = true
                }
            }
            for name in try results[1].compactMap({ WorkspaceName(prefix: $0.string(0)) }) {
                known[name, default: .init()].hasJob = true
            }
        }
        return known
    }

    // MARK: - Removed workspaces

    private static let remove = Statement(
        "orphan_remove",
        """
        INSERT INTO lifecycle_jobs (workspace_id, kind, remove_volume, reason)
        SELECT w.id, 'remove', true, 'left over' FROM workspaces w
        WHERE w.id = ANY ($1) AND w.status = 'removed' ORDER BY w.id LIMIT $2
        ON CONFLICT DO NOTHING RETURNING id
        """)

    /// Removals asked for in one pass.
    private static let removals = 100

    /// Asks for the removal of what is left of removed workspaces: the container first, and then the volume.
    ///
    /// - Returns: how many jobs that makes.
    package func remove(_ workspaces: [UUID]) async throws(PostgresError) -> Int {
        guard !workspaces.isEmpty else { return 0 }
        return try await postgres.query(Self.remove, [workspaces, Self.removals]).count
    }

    // MARK: - Sightings

    private static let forget = Statement(
        "orphan_forget",
        """
        DELETE FROM orphan_sightings s WHERE NOT EXISTS (
            SELECT FROM unnest($1::text[], $2::text[]) AS o (kind, name) WHERE o.kind = s.kind AND o.name = s.name)
        """)

    private static let recordSightings = Statement(
        "orphan_record_sighting",
        """
        INSERT INTO orphan_sightings AS s (kind, name) SELECT kind, name FROM unnest($1::text[], $2::text[]) AS o (kind, name)
        ORDER BY kind, name
        ON CONFLICT (kind, name) DO UPDATE SET last_seen_at = now(),
            first_seen_at = CASE WHEN s.last_seen_at < now() - make_interval(secs => $3) THEN now() ELSE s.first_seen_at END
        RETURNING kind, name, first_seen_at, now()
        """)

    /// Takes note of everything that is without a row now, and forgets everything else.
    ///
    /// - Returns: since when each has been seen, and the database's time.
    package func recordSightings(
        _ orphans: [OrphanRule.Orphan]
    ) async throws(PostgresError) -> (sightings: [OrphanRule.Sighting], now: Date) {
        let (kinds, names) = (orphans.map(\.kind.rawValue), orphans.map(\.workspace.prefix))
        let results = try await postgres.atomically([
            Call(Self.forget, [kinds, names]), Call(Self.recordSightings, [kinds, names, OrphanRule.longestGap]),
        ])
        let sightings = try results[1].compactMap { row in
            ManagedWorkspace.Kind(rawValue: row.string(0)).flatMap { kind in
                WorkspaceName(prefix: row.string(1)).map {
                    OrphanRule.Sighting(OrphanRule.Orphan(kind, $0), since: row.date(2))
                }
            }
        }
        return (sightings, try results[1].first { $0.date(3) } ?? .distantPast)
    }
}
