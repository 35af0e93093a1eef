import Contracts
import Foundation
import Postgres
import Provisioning
import Testing
import TestSupport

@testable import Sweeper

@Suite("What has no workspace, in Postgres")
struct OrphanStoreTests {
    @Test("Names are looked up by the ids that begin with them, among rows and jobs")
    func known() async throws {
        try await ContainerFleet.with { fleet in
            let id = try #require(UUID(uuidString: "0A1B2C3D-4E50-4000-8000-000000000001"))
            let sibling = try #require(UUID(uuidString: "0A1B2C3D-4E5F-FFFF-FFFF-FFFFFFFFFFFF"))
            let neighbour = try #require(UUID(uuidString: "0A1B2C3D-4E60-0000-0000-000000000000"))
            let name = WorkspaceName(id)
            #expect(WorkspaceName(sibling) == name && WorkspaceName(neighbour) != name)
            #expect(try await fleet.orphans.known([name]).isEmpty)
            try await fleet.add(.removed, id: id)
            try await fleet.add(.online, id: neighbour)
            let removed = try await fleet.orphans.known([name])
            #expect(removed == [name: OrphanRule.WorkspaceRecords(removed: [id])])
            try await fleet.add(.paused, id: sibling)
            #expect(try await fleet.orphans.known([name])[name]?.hasLiving == true)
            let purged = WorkspaceName(UUID())
            let owner = try #require(UUID(uuidString: purged.prefix + "0-4000-8000-000000000001"))
            try await fleet.addJob(owner, "remove")
            #expect(try await fleet.orphans.known([purged]) == [purged: OrphanRule.WorkspaceRecords(hasJob: true)])
        }
    }

    @Test("More names than one statement takes")
    func many() async throws {
        try await ContainerFleet.with { fleet in
            let id = try await fleet.add()
            let names = (0..<2500).map { _ in WorkspaceName(UUID()) } + [WorkspaceName(id)]
            #expect(try await fleet.orphans.known(names).keys.map(\.prefix) == [WorkspaceName(id).prefix])
        }
    }

    @Test("Removals of leftovers are requested once, and only for removed workspaces")
    func remove() async throws {
        try await ContainerFleet.with { fleet in
            let (removed, living) = (try await fleet.add(.removed), try await fleet.add(.online))
            #expect(try await fleet.orphans.remove([removed, living, UUID()]) == 1)
            #expect(try await fleet.orphans.remove([removed]) == 0)
            #expect(try await fleet.jobs(removed) == ["remove"])
            #expect(try await fleet.jobs(living).isEmpty)
            #expect(
                try await fleet.pool.query(Statement("", "SELECT remove_volume FROM lifecycle_jobs"))[0].bool(0))
        }
    }

    @Test("A sighting lasts while it is seen in every pass, and begins anew after a gap")
    func sightings() async throws {
        try await ContainerFleet.with { fleet in
            let (kept, gone) = (
                OrphanRule.Orphan(.container, WorkspaceName(UUID())), OrphanRule.Orphan(.volume, WorkspaceName(UUID()))
            )
            let first = try await fleet.orphans.recordSightings([kept, gone])
            #expect(Set(first.sightings.map(\.orphan)) == [kept, gone])
            func age(_ seconds: Double, lastSeen: Double) async throws {
                try await fleet.run(
                    """
                    UPDATE orphan_sightings SET first_seen_at = now() - make_interval(secs => $1),
                        last_seen_at = now() - make_interval(secs => $2)
                    """, [seconds, lastSeen])
            }
            try await age(5000, lastSeen: 590)
            let second = try await fleet.orphans.recordSightings([kept])
            #expect(second.sightings.map(\.orphan) == [kept])
            #expect(abs(second.now.timeIntervalSince(second.sightings[0].since) - 5000) < 60)
            // It was back in between.
            let third = try await fleet.orphans.recordSightings([kept, gone])
            let back = try #require(third.sightings.first { $0.orphan == gone })
            #expect(back.since == third.now)
            // No pass has run for long, perhaps since this is an older database.
            try await age(90_000, lastSeen: 601)
            let fourth = try await fleet.orphans.recordSightings([kept, gone])
            #expect(fourth.sightings.allSatisfy { $0.since == fourth.now })
            #expect(try await fleet.orphans.recordSightings([]).sightings.isEmpty)
            #expect(try await fleet.pool.query(Statement("", "SELECT FROM orphan_sightings")).isEmpty)
        }
    }
}
