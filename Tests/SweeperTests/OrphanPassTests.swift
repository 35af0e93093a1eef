import Contracts
import Foundation
import Observability
import Postgres
import Provisioning
import Testing
import TestSupport

@testable import Sweeper

/// Over a real engine, with the time that the database's rows are made to have.
@Suite("What has no workspace, on an engine")
struct OrphanPassTests {
    @Test("Two minutes after a database was wiped containers are stopped; their volumes stay for a day")
    func wiped() async throws {
        try await EngineFixture.with { fixture in
            let name = try await fixture.start(UUID())
            let pass = fixture.orphanPass()
            _ = try await pass.run()
            _ = try await pass.run()
            #expect(try await fixture.exists(.container, name), "seen only just now")
            try await fixture.age(121)
            #expect(try await pass.run()["stopped"] == 1)
            #expect(try await !fixture.exists(.container, name))
            #expect(try await fixture.exists(.volume, name))
            // The volume's time begins when the container has gone.
            _ = try await pass.run()
            try await fixture.age(86_300)
            _ = try await pass.run()
            #expect(try await fixture.exists(.volume, name), "kept for a day")
            try await fixture.age(200)
            #expect(try await fixture.orphanPass(retention: nil).run()["volumes"] == 0)
            #expect(try await fixture.exists(.volume, name), "kept for ever where that is asked for")
            #expect(try await pass.run()["volumes"] == 1)
            #expect(try await !fixture.exists(.volume, name))
        }
    }

    @Test("A row that is back in time saves container and volume, and its sightings are deleted")
    func restored() async throws {
        try await EngineFixture.with { fixture in
            let (running, stopped) = (UUID(), UUID())
            let (first, second) = (try await fixture.start(running), try await fixture.start(stopped))
            try await fixture.engine().stop(second)
            let pass = fixture.orphanPass()
            _ = try await pass.run()
            try await fixture.age(100_000)
            try await fixture.fleet.add(.online, id: running)
            try await fixture.fleet.add(.paused, id: stopped)
            _ = try await pass.run()
            #expect(try await fixture.exists(.container, first))
            #expect(try await fixture.exists(.volume, second))
            // Wiped again: everything begins anew.
            try await fixture.fleet.run("DELETE FROM workspaces")
            _ = try await pass.run()
            #expect(try await fixture.exists(.container, first))
            #expect(try await fixture.exists(.volume, second))
        }
    }

    @Test("A database that lay there for a while, as a backup does, has seen nothing")
    func olderDatabase() async throws {
        try await EngineFixture.with { fixture in
            let name = try await fixture.start(UUID())
            _ = try await fixture.orphanPass().run()
            try await fixture.age(200_000)
            try await fixture.fleet.run("UPDATE orphan_sightings SET last_seen_at = now() - interval '1 hour'")
            _ = try await fixture.orphanPass().run()
            #expect(try await fixture.exists(.container, name))
        }
    }

    @Test("Foreign names and labels are left alone, however long they are there")
    func strangers() async throws {
        try await EngineFixture.with { fixture in
            let removed = UUID()
            try await fixture.fleet.add(.removed, id: removed)
            let other = fixture.engine(as: "\(fixture.instance)-other")
            let theirs = [try await fixture.start(removed, on: other), try await fixture.start(UUID(), on: other)]
            let plain = "ws-\(WorkspaceName(UUID()).prefix)"
            for name in [plain, "ws-zzzzzzzzzzzz"] {
                try await fixture.podman.control(
                    "run", "-d", "--name", name, "-v", "\(name)-configs:/configs", "localhost/plain:latest")
            }
            try await fixture.podman.control(
                "run", "-d", "--name", "db-\(fixture.instance)", "--label", "molecule.platform.managed=true", "--label",
                "molecule.platform.instance=\(fixture.instance)", "localhost/plain:latest")
            let pass = fixture.orphanPass(retention: 0)
            for _ in 0..<3 {
                #expect(try await pass.run() == ["removals": 0, "stopped": 0, "volumes": 0, "failed": 0])
                try await fixture.age(1_000_000)
            }
            #expect(try await fixture.fleet.jobs(removed).isEmpty)
            let all = try await fixture.podman.control("ps", "--format", "{{.Names}}")
            for name in theirs.map(\.container) + [plain, "ws-zzzzzzzzzzzz", "db-\(fixture.instance)"] {
                #expect(all.contains(name), "\(name)")
            }
            for name in [plain, "ws-zzzzzzzzzzzz", "db-\(fixture.instance)"] {
                try await fixture.podman.control("rm", "-f", "-t", "0", name)
            }
            for name in [plain, "ws-zzzzzzzzzzzz"] {
                try await fixture.podman.control("volume", "rm", "\(name)-configs")
            }
        }
    }

    @Test("The removal of a removed workspace's leftovers is requested at once, as any other")
    func removed() async throws {
        try await EngineFixture.with { fixture in
            let (both, volumeOnly, living) = (UUID(), UUID(), UUID())
            for id in [both, volumeOnly, living] { try await fixture.start(id) }
            try await fixture.engine().stop(volumeOnly)
            try await fixture.fleet.add(.removed, id: both)
            try await fixture.fleet.add(.removed, id: volumeOnly)
            try await fixture.fleet.add(.online, id: living)
            #expect(try await fixture.orphanPass().run()["removals"] == 2)
            for id in [both, volumeOnly] { #expect(try await fixture.fleet.jobs(id) == ["remove"]) }
            #expect(try await fixture.fleet.jobs(living).isEmpty)
            // While it runs no other one is requested.
            #expect(try await fixture.orphanPass().run()["removals"] == 0)
        }
    }

    @Test("An error in one part does not stop the other")
    func independent() async throws {
        try await EngineFixture.with { fixture in
            let removed = UUID()
            try await fixture.fleet.add(.removed, id: removed)
            try await fixture.start(removed)
            let orphan = try await fixture.start(UUID())
            _ = try await fixture.orphanPass().run()
            try await fixture.age(200)
            try await fixture.fleet.run("DELETE FROM lifecycle_jobs")
            try await fixture.fleet.run("ALTER TABLE lifecycle_jobs ADD CONSTRAINT none CHECK (kind <> 'remove')")
            await #expect(throws: PostgresError.self) { try await fixture.orphanPass().run() }
            #expect(try await !fixture.exists(.container, orphan))
        }
    }

    @Test("An engine that does not respond changes nothing, and recorded sightings stay")
    func silentEngine() async throws {
        try await EngineFixture.with { fixture in
            try await fixture.start(UUID())
            _ = try await fixture.orphanPass().run()
            let dead = OrphanPass(
                provisioner: NoProvisioner(), store: fixture.fleet.orphans, leases: fixture.fleet.leases, wake: {},
                retention: 0, gauges: fixture.orphanPass().gauges, logger: .disabled)
            await #expect(throws: ProvisioningError.self) { try await dead.run() }
            let seen = try await fixture.fleet.pool.query(Statement("", "SELECT FROM orphan_sightings"))
            #expect(seen.count == 1)
        }
    }

    @Test("At most twenty in one pass")
    func bounded() async throws {
        try await EngineFixture.with { fixture in
            for _ in 0..<22 {
                let name = WorkspaceName(UUID())
                try await fixture.podman.control(
                    "volume", "create", "--label", "molecule.platform.managed=true", "--label",
                    "molecule.platform.instance=\(fixture.instance)", name.volume)
            }
            _ = try await fixture.orphanPass().run()
            try await fixture.age(90_000)
            #expect(try await fixture.orphanPass().run()["volumes"] == 20)
            #expect(try await fixture.orphanPass().run()["volumes"] == 2)
        }
    }
}
