import Concurrency
import Contracts
import Foundation
import Postgres
import Secrets
import Synchronization
import Testing
import TestSupport

@testable import Lifecycle

/// Starts beside changes of secrets, on a real Postgres.
@Suite("Secrets that change while workspaces start")
struct SecretChangeTests {
    private static let secretID = SecretID(workspace: nil, key: "KEY")
    private static let waiting = Statement(
        "test_waiting",
        """
        SELECT EXISTS (SELECT FROM pg_locks JOIN pg_database ON pg_database.oid = database
        WHERE locktype = 'advisory' AND NOT granted AND datname = current_database())
        """)

    private final class Flag: Sendable {
        private let raised = Atomic<Bool>(false)
        var isRaised: Bool { raised.load(ordering: .acquiring) }
        func raise() { raised.store(true, ordering: .releasing) }
    }

    private func vault(_ fleet: Fleet, _ changed: @escaping SecretVault.ChangeHandler) throws -> SecretVault {
        let keys = try #require(SecretKeys(text: "0123456789abcdef0123456789abcdef"))
        return SecretVault(store: SecretStore(postgres: fleet.pool), keys: keys, changed: changed)
    }

    /// The change has selected the workspaces it concerns, and is not committed: the workspace was asleep at that time.
    @Test("One that wakes while a secret of all changes starts with the new value")
    func wakesMeanwhile() async throws {
        try await withFleet { fleet, store in
            let (hasSelected, mayCommit, hasRead) = (Gate(), Gate(), Flag())
            let id = try await fleet.add(.hibernated)
            try await vault(fleet) { _, _ in }.put("old", at: Self.secretID)
            let vault = try vault(fleet) { secretID, transaction in
                try await store.secretChanged(of: secretID.workspace, key: secretID.key, transaction)
                hasSelected.open()
                await mayCommit.wait()
            }
            let change = Task { try await vault.put("new", at: Self.secretID) }
            await hasSelected.wait()
            _ = try await store.wake(id)
            #expect(try await fleet.openJobs(id) == ["start"])
            let start = Task {
                defer { hasRead.raise() }
                return try await vault.environment(forStartOf: id)
            }
            try await eventually("the start to wait for the change, or not to") {
                if hasRead.isRaised { return true }
                return try await fleet.pool.query(Self.waiting)[0].bool(0)
            }
            mayCommit.open()
            try await change.value
            #expect(try await start.value == ["KEY": "new"])
        }
    }

    @Test("One that has read the old value when a secret of all changes is started once more")
    func readBefore() async throws {
        try await withFleet { fleet, store in
            let jobs = JobStore(postgres: fleet.pool, source: "switchyard/test")
            let vault = try vault(fleet) { secretID, transaction in
                try await store.secretChanged(of: secretID.workspace, key: secretID.key, transaction)
            }
            try await vault.put("old", at: Self.secretID)
            let id = try await fleet.add(.hibernated)
            _ = try await store.wake(id)
            let first = try #require(try await claim(jobs).first)
            #expect(try await vault.environment(forStartOf: id) == ["KEY": "old"])
            try await vault.put("new", at: Self.secretID)
            _ = try await jobs.finish(first, .started(url: "http://127.0.0.1:9"))
            let second = try #require(try await claim(jobs).first)
            #expect(second.workspace == id && second.kind == .restart)
            #expect(try await vault.environment(forStartOf: id) == ["KEY": "new"])
        }
    }

    private func claim(_ jobs: JobStore) async throws -> [LifecycleJob] {
        try await jobs.claim(upTo: 1, owner: "a", lease: 60, kinds: LifecycleJob.Kind.starts)
    }
}
