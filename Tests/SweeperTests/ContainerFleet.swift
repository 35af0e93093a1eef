import Contracts
import Foundation
import Lifecycle
import Observability
import Postgres
import Provisioning
import TestSupport
import UVLoop

@testable import Sweeper

/// Workspaces in a database of one test, as the passes about containers see them.
struct ContainerFleet: Sendable {
    static let loops = EventLoopGroup(count: 1)
    static let source = "switchyard/sweeper"

    let pool: PostgresPool

    var leases: LeaseStore { leases(of: "test") }
    var timeouts: ProvisionTimeoutStore { ProvisionTimeoutStore(postgres: pool, source: Self.source) }
    var health: ContainerHealthStore { ContainerHealthStore(postgres: pool, source: Self.source) }
    var orphans: OrphanStore { OrphanStore(postgres: pool) }
    var lifecycle: LifecycleStore { LifecycleStore(postgres: pool, source: Self.source, hasProvisioner: true) }

    func leases(of instance: String) -> LeaseStore {
        LeaseStore(postgres: pool, instance: instance, loop: Self.loops.loops[0], logger: .disabled)
    }

    /// Runs a test on a database of its own.
    static func with(_ body: (ContainerFleet) async throws -> Void) async throws {
        try await withMigratedPool("containers") { try await body(ContainerFleet(pool: $0)) }
    }

    private static let add = Statement(
        "test_add",
        """
        WITH w AS (
            INSERT INTO workspaces (id, name, runtime, status, managed, external, url_provisioned, url, status_changed_at)
            VALUES ($1, 'w', $2, $3::workspace_status, $4, $5, $6, 'http://127.0.0.1:1', now() - make_interval(secs => $7))
            RETURNING id)
        INSERT INTO workspace_vitals (workspace_id, last_heartbeat_at)
        SELECT id, now() - make_interval(secs => $8) FROM w
        """)

    /// Adds a workspace that we started an hour ago.
    @discardableResult
    func add(
        _ status: WorkspaceStatus = .online, id: UUID = UUID(), runtime: String = "agent", isManaged: Bool = true,
        isExternal: Bool = false, isProvisioned: Bool = true, age: Double = 3600, silence: Double = 3600
    ) async throws -> UUID {
        _ = try await pool.query(
            Self.add, [id, runtime, status.rawValue, isManaged, isExternal, isProvisioned, age, silence])
        return id
    }

    func status(_ id: UUID) async throws -> String? {
        try await pool.query(Statement("test_status", "SELECT status FROM workspaces WHERE id = $1"), [id])
            .first { $0.string(0) }
    }

    /// Kinds of a workspace's open jobs, in order.
    func jobs(_ id: UUID) async throws -> [String] {
        try await pool.query(
            Statement(
                "test_jobs",
                """
                SELECT kind || CASE WHEN repeats THEN ' again' ELSE '' END FROM lifecycle_jobs
                WHERE workspace_id = $1 AND completed_at IS NULL ORDER BY created_at, id
                """), [id]
        ).map { $0.string(0) }
    }

    private static let addJob = Statement(
        "test_add_job",
        """
        INSERT INTO lifecycle_jobs (workspace_id, kind, lease_owner, lease_until)
        VALUES ($1, $2, CASE WHEN $3 THEN 'somebody' END, CASE WHEN $3 THEN now() + interval '1 hour' END)
        """)

    func addJob(_ id: UUID, _ kind: String, isUnderWay: Bool = false) async throws {
        _ = try await pool.query(Self.addJob, [id, kind, isUnderWay])
    }

    func run(_ sql: String, _ parameters: [any PostgresEncodable] = []) async throws {
        _ = try await pool.query(Statement("", sql), parameters)
    }
}
