import Contracts
import EventOutbox
import Foundation
import Postgres
import Testing
import TestSupport

@testable import Lifecycle

/// Claims, leases and fencing of jobs, on a real Postgres.
@Suite("Lifecycle jobs")
struct JobStoreTests {
    @Test("With capacity for stops alone, no start is claimed, and the other way round")
    func kinds() async throws {
        try await withFleet { fleet, store in
            let jobs = JobStore(postgres: fleet.pool, source: "switchyard/test")
            let (starting, stopping) = (try await fleet.add(.offline), try await fleet.add())
            _ = try await store.restart(starting, reason: "test")
            _ = try await store.pause(stopping)
            let stops = try await jobs.claim(upTo: 10, owner: "a", lease: 60, kinds: LifecycleJob.Kind.stops)
            #expect(stops.map(\.workspace) == [stopping])
            let starts = try await jobs.claim(upTo: 10, owner: "a", lease: 60, kinds: LifecycleJob.Kind.starts)
            #expect(starts.map(\.workspace) == [starting])
        }
    }

    @Test("Jobs of one workspace go one at a time, in order; those of others do not wait")
    func order() async throws {
        try await withFleet { fleet, store in
            let jobs = JobStore(postgres: fleet.pool, source: "switchyard/test")
            let (one, other) = (try await fleet.add(.offline), try await fleet.add(.offline))
            _ = try await store.restart(one, reason: "test")
            _ = try await store.restart(other, reason: "test")
            let claimed = try await jobs.claim(upTo: 10, owner: "a", lease: 60)
            #expect(Set(claimed.map(\.workspace)) == [one, other])
            _ = try await store.delete(one, isConfirmed: false, purges: false)
            #expect(try await jobs.claim(upTo: 10, owner: "b", lease: 60).isEmpty)
            let start = try #require(claimed.first { $0.workspace == one })
            #expect(try await jobs.finish(start, .started(url: "http://127.0.0.1:9")).isEmpty)
            #expect(try await fleet.status(one) == .removed)
            #expect(try await fleet.url(one) == nil, "what was removed meanwhile gets no address")
            let removal = try await jobs.claim(upTo: 10, owner: "b", lease: 60)
            #expect(removal.map(\.kind) == [.remove])
        }
    }

    @Test("A lease that ran out is another's, and the frozen instance's outcome counts for nothing")
    func fencing() async throws {
        try await withFleet { fleet, store in
            let jobs = JobStore(postgres: fleet.pool, source: "switchyard/test")
            let id = try await fleet.add(.offline)
            _ = try await store.restart(id, reason: "test")
            let frozen = try #require(try await jobs.claim(upTo: 1, owner: "a", lease: 0).first)
            let current = try #require(try await jobs.claim(upTo: 1, owner: "b", lease: 60).first)
            #expect(current.claimNumber == frozen.claimNumber + 1)
            #expect(try await jobs.finish(frozen, .startFailed("late")).isEmpty)
            #expect(try await fleet.status(id) == .provisioning)
            let events = try await jobs.finish(current, .started(url: "http://127.0.0.1:9"))
            #expect(events.map(\.event.type) == ["workspace.moved"])
            #expect(try await fleet.url(id) == "http://127.0.0.1:9")
            #expect(try await fleet.openJobs(id) == [])
        }
    }

    @Test("Two instances that claim at the same time never have two jobs of one workspace")
    func claimRace() async throws {
        try await withFleet { fleet, _ in
            let jobs = JobStore(postgres: fleet.pool, source: "switchyard/test")
            for _ in 0..<20 {
                let id = try await fleet.add(.offline)
                _ = try await fleet.pool.query(
                    Statement(
                        "test_jobstoretests_1",
                        """
                        INSERT INTO lifecycle_jobs (workspace_id, kind, created_at)
                        SELECT $1, k, now() FROM unnest(ARRAY['start', 'stop', 'remove']) AS k
                        """), [id])
                async let a = jobs.claim(upTo: 5, owner: "a", lease: 60)
                async let b = jobs.claim(upTo: 5, owner: "b", lease: 60)
                let claimed = try await a + b
                #expect(claimed.count { $0.workspace == id } <= 1)
                for job in claimed { _ = try await jobs.finish(job, .obsolete) }
            }
        }
    }

    private static let taken = Statement(
        "test_taken",
        """
        UPDATE lifecycle_jobs SET lease_owner = 'a', lease_until = now() + interval '1 minute'
        WHERE workspace_id = $1 AND kind = 'stop'
        """)
    private static let waits = Statement(
        "test_waits_for_job",
        """
        SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
          AND query LIKE '%lifecycle_jobs%')
        """)

    @Test("Who meets another's claim of one workspace still gets the jobs of the others")
    func conflict() async throws {
        try await withFleet { fleet, store in
            let jobs = JobStore(postgres: fleet.pool, source: "switchyard/test")
            let (contended, other) = (try await fleet.add(.offline), try await fleet.add(.offline))
            for kind in ["start", "stop"] {
                _ = try await fleet.pool.query(
                    Statement(
                        "test_contended",
                        """
                        INSERT INTO lifecycle_jobs (workspace_id, kind, created_at, available_at)
                        VALUES ($1, $2, now() - make_interval(mins => $3), now() - interval '1 hour')
                        """), [contended, kind, kind == "start" ? 2 : 1])
            }
            _ = try await store.restart(other, reason: "test")
            let claimed = try await fleet.pool.transaction { transaction in
                _ = try await transaction.query(Self.taken, [contended])
                let claimed = Task { try await jobs.claim(upTo: 5, owner: "b", lease: 60) }
                try await eventually("the claim to meet the other's") {
                    try await fleet.pool.transaction { try await $0.query(Self.waits)[0].bool(0) }
                }
                return claimed
            }
            #expect(try await claimed.value.map(\.workspace) == [other])
        }
    }

    /// A transaction that waited for a lock may insert a job that is older than a running one.
    @Test("A job whose lease ran out goes before an older one that came later")
    func expiredLeaseGoesFirst() async throws {
        try await withFleet { fleet, store in
            let jobs = JobStore(postgres: fleet.pool, source: "switchyard/test")
            let id = try await fleet.add(.offline)
            _ = try await store.restart(id, reason: "test")
            let expired = try #require(try await jobs.claim(upTo: 1, owner: "a", lease: 0).first)
            _ = try await fleet.pool.query(
                Statement(
                    "test_older_job",
                    "INSERT INTO lifecycle_jobs (workspace_id, kind, created_at) VALUES ($1, 'remove', '2020-01-01')"),
                [id])
            let again = try #require(try await jobs.claim(upTo: 5, owner: "b", lease: 60).first)
            #expect(again.id == expired.id)
            #expect(try await jobs.extend([expired.claim, again.claim], lease: 60) == [again.claim])
            _ = try await jobs.finish(again, .obsolete)
            #expect(try await jobs.claim(upTo: 5, owner: "b", lease: 60).map(\.kind) == [.remove])
        }
    }

    @Test("A failed start fails the workspace with its error message; a failed stop is retried")
    func outcomes() async throws {
        try await withFleet { fleet, store in
            let jobs = JobStore(postgres: fleet.pool, source: "switchyard/test")
            let (failing, sleeping) = (try await fleet.add(.offline), try await fleet.add())
            _ = try await store.restart(failing, reason: "test")
            let sleep = try await store.hibernate(sleeping, isForced: false)
            for job in try await jobs.claim(upTo: 2, owner: "a", lease: 60) {
                let outcome: JobOutcome =
                    job.workspace == failing ? .startFailed("workspace start failed") : .again("workspace stop failed")
                _ = try await jobs.finish(job, outcome)
            }
            #expect(try await fleet.status(failing) == .failed)
            #expect(try await fleet.events(failing) == ["workspace.provisioning", "workspace.provision_failed"])
            #expect(try await fleet.status(sleeping) == .hibernating)
            let progress = try #require(try await jobs.progress(of: sleep.jobs).first)
            #expect(!progress.isDone && progress.error == "workspace stop failed")
            var claimed: [LifecycleJob] = []
            try await eventually("the stop is due again") {
                claimed = try await jobs.claim(upTo: 1, owner: "a", lease: 60)
                return !claimed.isEmpty
            }
            let again = claimed[0]
            #expect(again.attempts == 1)
            #expect(try await jobs.finish(again, .stopped).map(\.event.type) == ["workspace.hibernated"])
            #expect(try await fleet.status(sleeping) == .hibernated)
        }
    }

    @Test("A change during a start has it done once more; one before it does not")
    func repeats() async throws {
        try await withFleet { fleet, store in
            let jobs = JobStore(postgres: fleet.pool, source: "switchyard/test")
            let id = try await fleet.add(.offline)
            _ = try await store.restart(id, reason: "test")
            let change = { @Sendable in
                try await fleet.pool.transaction { try await store.secretChanged(of: nil, key: "KEY", $0) }
            }
            try await change()
            let first = try #require(try await jobs.claim(upTo: 1, owner: "a", lease: 60).first)
            try await change()
            _ = try await jobs.finish(first, .started(url: "http://127.0.0.1:9"))
            let second = try #require(try await jobs.claim(upTo: 1, owner: "a", lease: 60).first)
            #expect(second.kind == .restart)
            _ = try await jobs.finish(second, .started(url: "http://127.0.0.1:10"))
            #expect(try await jobs.claim(upTo: 1, owner: "a", lease: 60).isEmpty)
        }
    }
}

extension JobStore {
    /// Takes jobs of every kind.
    fileprivate func claim(upTo limit: Int, owner: String, lease: Double) async throws -> [LifecycleJob] {
        try await claim(
            upTo: limit, owner: owner, lease: lease, kinds: LifecycleJob.Kind.starts.union(LifecycleJob.Kind.stops))
    }
}
