import Foundation
import Postgres

/// The row of a file, without its state.
struct ChatFile: Hashable, Sendable {
    enum Storage: String, Sendable {
        /// In the workspace's container.
        case container
        /// In the file store.
        case store
    }

    var stored: String
    var name: String
    var mimeType: String
    var size: Int
    var storage: Storage
}

/// The statements about `chat_files`: the states of a file are `pending`, `stored`, `doomed`.
struct ChatFileRows: Sendable {
    /// The limits of one workspace.
    struct Quota: Sendable {
        var files = 10_000
        var bytes = 1 << 30
    }

    enum Registration: Sendable {
        case registered
        /// These files would exceed the quota.
        case overQuota
        /// Unknown, or removed.
        case noWorkspace
    }

    let postgres: PostgresPool

    private static let place = Statement(
        "files_place", "SELECT managed FROM workspaces WHERE id = $1 AND status <> 'removed'")

    /// Whether the platform starts the workspace's container; nil when it is unknown or removed.
    func isManaged(_ workspace: UUID) async throws(PostgresError) -> Bool? {
        try await postgres.query(Self.place, [workspace]).first { $0.bool(0) }
    }

    private static let used = Statement(
        "files_used",
        """
        SELECT count(*), coalesce(sum(size), 0)::bigint FROM chat_files WHERE workspace_id = $1 AND state <> 'doomed'
        """)

    /// Whether a workspace is below its quota.
    func isBelowQuota(_ workspace: UUID, _ quota: Quota) async throws(PostgresError) -> Bool {
        try await postgres.query(Self.used, [workspace]).only { row in
            row.int(0) < quota.files && row.int(1) < quota.bytes
        }
    }

    /// Serializes the uploads of one workspace, so that their quota is checked one after the other.
    private static let lock = Statement(
        "files_lock", locks: .requeue, "SELECT pg_advisory_xact_lock(hashtextextended('chat_files:' || $1::uuid, 0))")

    private static let register = Statement(
        "files_register", locks: .requeue,
        """
        WITH used AS (
            SELECT count(*) AS files, coalesce(sum(size), 0) AS bytes FROM chat_files
            WHERE workspace_id = $1 AND state <> 'doomed'
        ), new AS (
            SELECT * FROM unnest($2::text[], $3::text[], $4::text[], $5::bigint[]) AS n (stored_name, name, mime_type, size)
        ), place AS (
            SELECT EXISTS (SELECT FROM workspaces WHERE id = $1 AND status <> 'removed') AS is_there
        ), added AS (
            INSERT INTO chat_files (workspace_id, stored_name, name, mime_type, size, storage, state)
            SELECT $1, n.stored_name, n.name, n.mime_type, n.size, $6, 'pending' FROM new n, used, place
            WHERE place.is_there AND used.files + (SELECT count(*) FROM new) <= $7
                AND used.bytes + (SELECT sum(size) FROM new) <= $8
            RETURNING 1
        )
        SELECT place.is_there, (SELECT count(*) FROM added) FROM place
        """)

    /// Adds rows for files whose bytes are about to be written: all of them or none.
    func register(
        _ files: [ChatFile], of workspace: UUID, _ quota: Quota
    ) async throws(PostgresError) -> Registration {
        let rows = try await postgres.atomically([
            Call(Self.lock, [workspace]),
            Call(
                Self.register,
                [
                    workspace, files.map(\.stored), files.map(\.name), files.map(\.mimeType), files.map(\.size),
                    files[0].storage.rawValue, quota.files, quota.bytes,
                ]),
        ])
        return try rows[1].first { row in
            row.bool(0) ? (row.int(1) == files.count ? .registered : .overQuota) : .noWorkspace
        } ?? .noWorkspace
    }

    private static let keep = Statement(
        "files_keep",
        """
        WITH mine AS MATERIALIZED (
            SELECT id FROM chat_files WHERE workspace_id = $1 AND stored_name = ANY ($2) AND state = 'pending'
            ORDER BY id FOR UPDATE
        )
        UPDATE chat_files f SET state = 'stored', created_at = now() FROM mine
        WHERE f.id = mine.id AND (SELECT count(*) FROM mine) = cardinality($2::text[])
            AND EXISTS (SELECT FROM workspaces WHERE id = $1 AND status <> 'removed')
        RETURNING 1
        """)

    /// Makes files visible whose bytes are durable.
    ///
    /// - Returns: false when the workspace has been removed, or they were marked for deletion meanwhile: none is
    ///   visible.
    func keep(_ stored: [String], of workspace: UUID) async throws(PostgresError) -> Bool {
        try await postgres.query(Self.keep, [workspace, stored]).count == stored.count
    }

    private static let markForDeletion = Statement(
        "files_give_up",
        """
        UPDATE chat_files SET state = 'doomed', held_until = now() + make_interval(secs => $3)
        WHERE workspace_id = $1 AND stored_name = ANY ($2) AND state = 'pending'
        """)

    /// Marks files for deletion that could not be written, once no late write can take effect any more.
    func markForDeletion(_ stored: [String], of workspace: UUID, after seconds: Double) async throws(PostgresError) {
        _ = try await postgres.query(Self.markForDeletion, [workspace, stored, seconds])
    }

    private static let find = Statement(
        "files_find",
        """
        SELECT stored_name, name, mime_type, size, storage FROM chat_files
        WHERE workspace_id = $1 AND stored_name = $2 AND state = 'stored'
        """)

    /// A visible file.
    func find(_ stored: String, of workspace: UUID) async throws(PostgresError) -> ChatFile? {
        try await postgres.query(Self.find, [workspace, stored]).first { row in
            ChatFile.Storage(rawValue: row.string(4)).map { storage in
                ChatFile(
                    stored: row.string(0), name: row.string(1), mimeType: row.string(2), size: row.int(3),
                    storage: storage)
            }
        }
    }
}
