import Foundation
import Postgres

/// The statements about files that are to be deleted.
struct FileDeletionRows: Sendable {
    struct DeletableFile: Sendable {
        let id: UUID
        let workspace: UUID
        let stored: String
        let storage: ChatFile.Storage
    }

    let postgres: PostgresPool

    private static let markAbandoned = Statement(
        "files_mark_abandoned",
        """
        WITH found AS MATERIALIZED (
            SELECT id FROM chat_files WHERE state = 'pending' AND created_at < now() - make_interval(secs => $1)
            ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED
        )
        UPDATE chat_files f SET state = 'doomed' FROM found WHERE f.id = found.id
        """)

    /// Marks files that an instance was writing when it died.
    func markAbandoned(olderThan seconds: Double, limit: Int) async throws(PostgresError) {
        _ = try await postgres.query(Self.markAbandoned, [seconds, limit])
    }

    /// A loose index scan: from workspace to workspace, however many files each has.
    private static let markRemoved = Statement(
        "files_mark_removed",
        """
        WITH RECURSIVE visited (id, number) AS (
            (SELECT workspace_id, 1 FROM chat_files WHERE workspace_id > $1::uuid ORDER BY workspace_id LIMIT 1)
            UNION ALL
            SELECT (SELECT f.workspace_id FROM chat_files f WHERE f.workspace_id > v.id ORDER BY f.workspace_id LIMIT 1),
                v.number + 1
            FROM visited v WHERE v.id IS NOT NULL AND v.number < $2
        ), gone AS MATERIALIZED (
            SELECT v.id FROM visited v LEFT JOIN workspaces w ON w.id = v.id
            WHERE v.id IS NOT NULL AND (w.id IS NULL OR w.status = 'removed')
        ), found AS MATERIALIZED (
            SELECT f.id FROM gone CROSS JOIN LATERAL (
                SELECT c.id FROM chat_files c WHERE c.workspace_id = gone.id AND c.state = 'stored' LIMIT $3
            ) AS f LIMIT $3
        ), marked AS (
            UPDATE chat_files f SET state = 'doomed' FROM found WHERE f.id = found.id RETURNING 1
        )
        SELECT (SELECT count(*) FROM marked),
            CASE WHEN (SELECT count(*) FROM visited WHERE id IS NOT NULL) = $2 THEN
                (SELECT id FROM visited WHERE id IS NOT NULL ORDER BY id DESC LIMIT 1) END
        """)

    /// Marks files of removed workspaces.
    ///
    /// - Parameters:
    ///   - workspace: only those behind it are examined.
    ///   - limit: the most files to mark.
    /// - Returns: how many were marked, and the workspace to continue after; nil at the end.
    func markRemoved(
        after workspace: UUID, workspaces: Int, limit: Int
    ) async throws(PostgresError) -> (marked: Int, last: UUID?) {
        try await postgres.query(Self.markRemoved, [workspace, workspaces, limit]).only { row in
            (row.int(0), row.optionalUUID(1))
        }
    }

    private static let claim = Statement(
        "files_claim",
        """
        WITH picked AS MATERIALIZED (
            SELECT id FROM chat_files
            WHERE state = 'doomed' AND (held_until IS NULL OR held_until < now()) AND ($2 OR storage = 'container')
            ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED
        )
        UPDATE chat_files f SET held_until = now() + interval '5 minutes' FROM picked WHERE f.id = picked.id
        RETURNING f.id, f.workspace_id, f.stored_name, f.storage
        """)

    /// Leases files to delete; when this process dies, others claim them some minutes later.
    ///
    /// - Parameter hasStore: whether to claim those in the file store, too.
    func claim(_ limit: Int, hasStore: Bool) async throws(PostgresError) -> [DeletableFile] {
        try await postgres.query(Self.claim, [limit, hasStore]).map { row in
            DeletableFile(
                id: row.uuid(0), workspace: row.uuid(1), stored: row.string(2),
                storage: ChatFile.Storage(rawValue: row.string(3)) ?? .store)
        }
    }

    private static let delete = Statement(
        "files_delete", "DELETE FROM chat_files WHERE id = ANY ($1) AND state = 'doomed'")

    /// Deletes the rows of files whose bytes are gone.
    func delete(_ ids: [UUID]) async throws(PostgresError) {
        _ = try await postgres.query(Self.delete, [ids])
    }
}
