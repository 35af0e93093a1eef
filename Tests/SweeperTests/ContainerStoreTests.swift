import Contracts
import EventOutbox
import Foundation
import Lifecycle
import Postgres
import Provisioning
import Testing
import TestSupport

@testable import Sweeper

@Suite("Sweeps of containers in Postgres")
struct ContainerStoreTests {
    // MARK: - Gone containers

    @Test("Only a workspace that the platform started, that runs, and that has no open job should have a container")
    func expected() async throws {
        try await ContainerFleet.with { fleet in
            // An agent that registered before its start was written down has its container all the same.
            let running = [
                try await fleet.add(.online), try await fleet.add(.degraded), try await fleet.add(isProvisioned: false),
            ]
            for status in [WorkspaceStatus.offline, .provisioning, .failed, .paused, .hibernated, .removed] {
                try await fleet.add(status)
            }
            try await fleet.add(isManaged: false)
            try await fleet.add(isExternal: true)
            try await fleet.addJob(try await fleet.add(), "restart")
            #expect(Set(try await fleet.health.expected().ids) == Set(running))
        }
    }

    @Test("Fleets of more than a page are gone through")
    func pages() async throws {
        try await ContainerFleet.with { fleet in
            let count = 2 * ContainerHealthStore.page
            try await fleet.run(
                """
                INSERT INTO workspaces (id, name, status, managed, url_provisioned)
                SELECT gen_random_uuid(), 'w', 'online', true, true FROM generate_series(1, $1::int)
                """, [count])
            let ids = try await fleet.health.expected().ids
            #expect(ids.count == count && Set(ids).count == count)
        }
    }

    @Test("A container that is gone takes its workspace offline, once, with a restart and an event")
    func markOffline() async throws {
        try await ContainerFleet.with { fleet in
            let id = try await fleet.add()
            let time = try await fleet.health.expected().at
            let events = try await fleet.health.markOffline([id], seenAt: time, silence: 0)
            #expect(events.map(\.event.type) == ["workspace.offline"] && events.map(\.event.subject) == [id])
            #expect(
                String(decoding: events[0].event.data.bytes, as: UTF8.self) == #"{"reason":"container not running"}"#)
            #expect(try await fleet.status(id) == "offline")
            #expect(try await fleet.jobs(id) == ["restart"])
            #expect(try await fleet.health.markOffline([id], seenAt: time, silence: 0).isEmpty)
        }
    }

    @Test("Workspaces that changed since the query are left as they are")
    func changed() async throws {
        try await ContainerFleet.with { fleet in
            let (started, busy, removed) = (try await fleet.add(), try await fleet.add(), try await fleet.add())
            let time = try await fleet.health.expected().at
            try await fleet.run("UPDATE workspaces SET status_changed_at = clock_timestamp() WHERE id = $1", [started])
            try await fleet.addJob(busy, "restart", isUnderWay: true)
            try await fleet.run("UPDATE workspaces SET status = 'removed' WHERE id = $1", [removed])
            let events = try await fleet.health.markOffline([started, busy, removed], seenAt: time, silence: 0)
            #expect(events.isEmpty)
            #expect(try await fleet.status(started) == "online")
            #expect(try await fleet.jobs(busy) == ["restart"])
        }
    }

    @Test("Where silence is required, those that beat stay")
    func silence() async throws {
        try await ContainerFleet.with { fleet in
            let (silent, beating) = (try await fleet.add(silence: 60), try await fleet.add(silence: 10))
            let time = try await fleet.health.expected().at
            let events = try await fleet.health.markOffline([silent, beating], seenAt: time, silence: 45)
            #expect(events.map(\.event.subject) == [silent])
        }
    }

    @Test("A locked workspace is skipped")
    func locked() async throws {
        try await ContainerFleet.with { fleet in
            let (held, free) = (try await fleet.add(), try await fleet.add())
            let time = try await fleet.health.expected().at
            let lock = Statement("test_hold", "SELECT FROM workspaces WHERE id = $1 FOR UPDATE")
            try await fleet.pool.transaction { transaction in
                _ = try await transaction.query(lock, [held])
                let events = try await fleet.health.markOffline([held, free], seenAt: time, silence: 0)
                #expect(events.map(\.event.subject) == [free])
            }
        }
    }

    // MARK: - Provisioning

    @Test("Who is provisioned for too long fails, each by its runtime's time, with an event that says so")
    func provisioning() async throws {
        try await ContainerFleet.with { fleet in
            let late = try await fleet.add(.provisioning, runtime: "langgraph", age: 601)
            let slow = try await fleet.add(.provisioning, runtime: "hermes", age: 1801)
            for (runtime, age) in [("langgraph", 590.0), ("hermes", 1790), ("declared", 3000)] {
                try await fleet.add(.provisioning, runtime: runtime, age: age)
            }
            try await fleet.add(.online, age: 9000)
            let timeouts = ProvisionTimeouts(override: nil, declared: ["declared": .seconds(3600)])
            let events = try await fleet.timeouts.fail(timeouts)
            #expect(Set(events.compactMap(\.event.subject)) == [late, slow])
            #expect(events.allSatisfy { $0.event.type == "workspace.provision_failed" })
            let data = try #require(events.first { $0.event.subject == slow }).event.decodeData(
                as: WorkspaceProvisionFailed.self)
            #expect(data.error == "workspace did not come online in time" && data.timeoutSeconds == 1800)
            #expect(data.source == "provision_timeout_sweep" && data.runtime == "hermes")
            #expect(try await fleet.status(late) == "failed")
            #expect(try await fleet.timeouts.fail(timeouts).isEmpty)
        }
    }

    @Test(
        "A queued start has six times as long, and is revoked then; one in progress restores no status"
    )
    func jobs() async throws {
        try await ContainerFleet.with { fleet in
            let (waiting, forgotten, begun) = (
                try await fleet.add(.provisioning, age: 700), try await fleet.add(.provisioning, age: 3700),
                try await fleet.add(.provisioning, age: 700)
            )
            for id in [waiting, forgotten] { try await fleet.addJob(id, "restart") }
            try await fleet.addJob(begun, "restart", isUnderWay: true)
            let events = try await fleet.timeouts.fail(ProvisionTimeouts(override: nil, declared: [:]))
            #expect(Set(events.compactMap(\.event.subject)) == [forgotten, begun])
            #expect(try await fleet.jobs(forgotten).isEmpty)
            #expect(try await fleet.jobs(waiting) == ["restart"])
            #expect(try await fleet.jobs(begun) == ["restart"])
        }
    }

    @Test("A restart of what is being provisioned has its whole time before it")
    func restarted() async throws {
        try await ContainerFleet.with { fleet in
            let id = try await fleet.add(.provisioning, age: 590)
            #expect(try await fleet.lifecycle.restart(id, reason: "test").events.isEmpty)
            let timeouts = ProvisionTimeouts(override: 30, declared: [:])
            #expect(try await fleet.timeouts.fail(timeouts).isEmpty)
            #expect(try await fleet.status(id) == "provisioning")
        }
    }

    // MARK: - Leases

    @Test("One at a time is at it, and the next when it is done or has died")
    func leases() async throws {
        try await ContainerFleet.with { fleet in
            let (one, other) = (fleet.leases(of: "one"), fleet.leases(of: "other"))
            let outcome = try await one.holding("pass") {
                let others = [
                    try await other.holding("pass") { true }, try await one.holding("pass") { true },
                    try await other.holding("another pass") { false },
                ]
                #expect(others == [nil, nil, false])
                return 7
            }
            #expect(outcome == 7)
            #expect(try await other.holding("pass") { 8 } == 8)
            struct Failed: Error {}
            await #expect(throws: Failed.self) {
                try await one.holding("pass") { () async throws -> Int in throw Failed() }
            }
            #expect(try await other.holding("pass") { 9 } == 9)
            try await fleet.run(
                "INSERT INTO sweep_leases VALUES ('pass', 'dead', now() - interval '1 s'), ('held', 'x', now() + interval '1 h')"
            )
            #expect(try await one.holding("pass") { 10 } == 10)
            #expect(try await one.holding("held") { 11 } == nil)
        }
    }

    // MARK: - The platform's id

    @Test("Services that start at once agree on one id, which stays")
    func instance() async throws {
        try await ContainerFleet.with { fleet in
            let store = InstanceStore(postgres: fleet.pool)
            let ids = try await withThrowingTaskGroup(of: String.self) { group in
                for _ in 0..<20 { group.addTask { try await store.id() } }
                return try await group.reduce(into: Set()) { $0.insert($1) }
            }
            #expect(ids.count == 1)
            #expect(try await store.id() == ids.first)
            #expect(PlatformInstance.isUsable(try #require(ids.first)))
            try await fleet.run("UPDATE platform_state SET value = '{}' WHERE key = 'instance'")
            let instance = PlatformInstance(storedBy: { try await store.id() })
            await #expect(throws: ProvisioningError.self) { try await instance.id(for: .start) }
        }
    }
}
