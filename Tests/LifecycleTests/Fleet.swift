import Contracts
import Foundation
import Lifecycle
import Postgres
import TestSupport

/// Workspaces in a database of one test.
struct Fleet: Sendable {
    let pool: PostgresPool

    private static let add = Statement(
        "test_add",
        """
        WITH w AS (
            INSERT INTO workspaces (id, name, status, parent_id, external, managed, url, url_provisioned)
            VALUES ($1, $2, $3::workspace_status, $4, $5, NOT $5, $6, $7) RETURNING id)
        INSERT INTO workspace_vitals (workspace_id) SELECT id FROM w
        """)

    @discardableResult
    func add(
        _ status: WorkspaceStatus = .online, parent: UUID? = nil, isExternal: Bool = false, url: String? = nil,
        isProvisioned: Bool = false
    ) async throws -> UUID {
        let id = UUID()
        _ = try await pool.query(Self.add, [id, "w", status.rawValue, parent, isExternal, url, isProvisioned])
        return id
    }

    func status(_ id: UUID) async throws -> WorkspaceStatus? {
        try await pool.query(Statement("test_status", "SELECT status FROM workspaces WHERE id = $1"), [id]).first
            .flatMap { WorkspaceStatus(rawValue: $0.string(0)) }
    }

    func url(_ id: UUID) async throws -> String? {
        try await pool.query(Statement("test_url", "SELECT url FROM workspaces WHERE id = $1"), [id]).first?
            .optionalString(0)
    }

    /// Types of a workspace's events, in order.
    func events(_ id: UUID) async throws -> [String] {
        try await pool.query(
            Statement("test_events", "SELECT type FROM structure_events WHERE workspace_id = $1 ORDER BY sequence"),
            [id]
        ).map { $0.string(0) }
    }

    /// Kinds of a workspace's open jobs, in order.
    func openJobs(_ id: UUID) async throws -> [String] {
        try await pool.query(
            Statement(
                "test_jobs",
                """
                SELECT kind FROM lifecycle_jobs WHERE workspace_id = $1 AND completed_at IS NULL
                ORDER BY created_at, id
                """), [id]
        ).map { $0.string(0) }
    }

    func count(_ sql: String, _ id: UUID) async throws -> Int {
        try await pool.query(
            Statement(
                "test_count_\(sql.hashValue)", "SELECT count(*) FROM " + sql), [id])[0].int(0)
    }
}

/// Runs a test on a database of its own.
func withFleet(
    hasProvisioner: Bool = true, _ body: (Fleet, LifecycleStore) async throws -> Void
) async throws {
    try await withMigratedPool("lifecycle") { pool in
        try await body(
            Fleet(pool: pool),
            LifecycleStore(postgres: pool, source: "switchyard/test", hasProvisioner: hasProvisioner))
    }
}
