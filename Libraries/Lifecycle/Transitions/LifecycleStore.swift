import Contracts
import EventOutbox
import Foundation
import Postgres

/// Changes the life of workspaces: each change is one transaction with its events and the jobs that follow from it.
package struct LifecycleStore: Sendable {
    let postgres: PostgresPool
    let source: String
    /// Whether workspaces that are not external have containers or machines of ours.
    package let hasProvisioner: Bool

    /// - Parameter hasProvisioner: does not matter for waking and losing.
    package init(postgres: PostgresPool, source: String, hasProvisioner: Bool = false) {
        self.postgres = postgres
        self.source = source
        self.hasProvisioner = hasProvisioner
    }

    /// What a change did.
    package struct Change: Sendable {
        package var events: [CommittedEvent] = []
        /// How many workspaces it concerned.
        package var count = 0
        /// What has to be done now, by whoever claims it.
        package var jobs: [UUID] = []

        /// The status that an event of this change tells of a workspace.
        package func status(of workspace: UUID) -> WorkspaceStatus {
            let recorded = events.first { $0.event.subject == workspace }
            return recorded.flatMap { WorkspaceStatus(rawValue: String($0.event.type.dropFirst("workspace.".count))) }
                ?? .provisioning
        }
    }

    /// Tries of a change whose subtree grows while it is being locked.
    private static let attempts = 20

    /// - Throws: what `body` throws; ``LifecycleRefusal`` `isGrowing`.
    func change<T: Sendable>(_ body: @Sendable (Transaction) async throws -> T) async throws -> T {
        for _ in 0..<Self.attempts {
            do {
                return try await postgres.transaction(body)
            } catch is SubtreeGrew {}
        }
        throw LifecycleRefusal.isGrowing
    }

    // MARK: - Looking and locking

    private static let subject = Statement(
        "lifecycle_subject",
        """
        SELECT w.status, w.external, COALESCE(p.status = 'paused', false), COALESCE(v.active_tasks, 0)
        FROM workspaces w LEFT JOIN workspaces p ON p.id = w.parent_id
        LEFT JOIN workspace_vitals v ON v.workspace_id = w.id
        WHERE w.id = $1 FOR UPDATE OF w
        """)

    /// The workspace, locked, as the rules look at it.
    func subject(_ id: UUID, _ transaction: Transaction) async throws -> LifecycleRule.Subject {
        let subject = try await transaction.query(Self.subject, [id]).first { row in
            WorkspaceStatus(rawValue: row.string(0)).map { status in
                LifecycleRule.Subject(
                    status: status, isExternal: row.bool(1), isParentPaused: row.bool(2), activeTasks: row.int(3))
            }
        }
        guard let subject else { throw LifecycleRefusal.unknown }
        return subject
    }

    /// `FOR UPDATE` waits for whoever creates a child (which holds the parent's key), so that looking again finds it.
    /// Locked behind the others it would be out of order: who has it may wait for one of them. Then all let go, and the
    /// change begins anew.
    private static let subtree = Statement(
        "lifecycle_subtree",
        """
        WITH RECURSIVE tree (id) AS (
            SELECT id FROM workspaces WHERE id = $1
            UNION SELECT w.id FROM workspaces w JOIN tree ON w.parent_id = tree.id
        )
        SELECT w.id, w.name, w.parent_id, w.status FROM workspaces w WHERE w.id IN (SELECT id FROM tree)
        ORDER BY w.id FOR UPDATE OF w
        """)

    /// One workspace of a locked subtree.
    struct Member: Sendable {
        var id: UUID
        var name: String
        var parent: UUID?
        var status: WorkspaceStatus
    }

    /// The workspace and all its descendants, locked; nobody can add one before the transaction ends.
    ///
    /// - Throws: ``SubtreeGrew``, `PostgresError`.
    func lockSubtree(_ root: UUID, _ transaction: Transaction) async throws -> [Member] {
        let rows = try await transaction.query([Call(Self.subtree, [root]), Call(Self.subtreeIDs, [root])])
        let members = try rows[0].map { row in
            Member(
                id: row.uuid(0), name: row.string(1), parent: row.optionalUUID(2),
                status: WorkspaceStatus(rawValue: row.string(3)) ?? .failed)
        }
        guard Set(try rows[1].map { $0.uuid(0) }).isSubset(of: members.map(\.id)) else { throw SubtreeGrew() }
        return members
    }

    static let subtreeIDs = Statement(
        "lifecycle_subtree_ids",
        """
        WITH RECURSIVE tree (id) AS (
            SELECT id FROM workspaces WHERE id = $1
            UNION SELECT w.id FROM workspaces w JOIN tree ON w.parent_id = tree.id
        )
        SELECT id FROM tree
        """)

    private static let openJobs = Statement(
        "lifecycle_open_jobs",
        "SELECT id FROM lifecycle_jobs WHERE workspace_id = ANY ($1) AND kind = $2 AND completed_at IS NULL")

    func openJobs(_ workspaces: [UUID], _ kind: LifecycleJob.Kind, _ transaction: Transaction) async throws -> [UUID] {
        try await transaction.query(Self.openJobs, [workspaces, kind.rawValue]).map { $0.uuid(0) }
    }

    /// What nobody has begun is overtaken by what was asked for later.
    private static let supersede = Statement(
        "lifecycle_supersede",
        """
        WITH job AS MATERIALIZED (
            SELECT id FROM lifecycle_jobs
            WHERE workspace_id = ANY ($1) AND kind = ANY ($2) AND completed_at IS NULL AND lease_owner IS NULL
            ORDER BY id FOR UPDATE
        )
        UPDATE lifecycle_jobs j SET completed_at = now(), last_error = 'superseded' FROM job WHERE j.id = job.id
        """)

    func supersede(_ workspaces: [UUID], _ kinds: [LifecycleJob.Kind], _ transaction: Transaction) async throws {
        _ = try await transaction.query(Self.supersede, [workspaces, kinds.map(\.rawValue)])
    }
}

/// A workspace was created below one whose subtree was being locked.
struct SubtreeGrew: Error {}
