import Foundation
import Provisioning
import Sweeper
import Testing

@Suite("What has no workspace, as a rule")
struct OrphanRuleTests {
    private static let id = UUID()
    private static let name = WorkspaceName(id)

    private func entry(
        _ kind: ManagedWorkspace.Kind = .container, _ prefix: String = name.prefix,
        labels: [String: String] = [
            "molecule.platform.managed": "true", "molecule.platform.instance": "ours",
        ]
    ) -> ManagedWorkspace {
        ManagedWorkspace(
            kind: kind, idPrefix: prefix, state: "running", labels: labels, createdAt: nil, instance: "ours")
    }

    private func findings(
        _ found: [ManagedWorkspace], _ known: OrphanRule.WorkspaceRecords? = nil
    ) -> OrphanRule.Findings {
        OrphanRule.findings(found, known: known.map { [Self.name: $0] } ?? [:])
    }

    @Test("What a living workspace has stays, also when another's name begins like its own")
    func living() {
        let known = OrphanRule.WorkspaceRecords(removed: [UUID()], hasLiving: true)
        let findings = findings([entry(), entry(.volume)], known)
        #expect(findings == OrphanRule.Findings(removed: [], orphans: [], living: 1))
    }

    @Test("What is left of a removed workspace goes: container, volume or both")
    func removed() {
        let known = OrphanRule.WorkspaceRecords(removed: [Self.id])
        for found in [[entry()], [entry(.volume)], [entry(), entry(.volume)]] {
            #expect(findings(found, known).removed == [Self.id])
            #expect(findings(found, known).orphans.isEmpty)
        }
    }

    @Test("Names with running jobs are left to these, with a row or without")
    func busy() {
        for removed in [[Self.id], []] {
            let known = OrphanRule.WorkspaceRecords(removed: removed, hasJob: true)
            #expect(findings([entry(), entry(.volume)], known) == OrphanRule.Findings())
        }
    }

    @Test("Without a row the container comes first; its volume is an orphan once no container is there")
    func unknown() {
        #expect(findings([entry(), entry(.volume)]).orphans == [OrphanRule.Orphan(.container, Self.name)])
        #expect(findings([entry(.volume)]).orphans == [OrphanRule.Orphan(.volume, Self.name)])
    }

    @Test(
        "Foreign containers stay: without labels, with another platform's, or with half of this one's",
        arguments: [
            [:], ["molecule.platform.managed": "true"], ["molecule.platform.instance": "ours"],
            ["molecule.platform.managed": "true", "molecule.platform.instance": "default"],
            ["molecule.platform.managed": "false", "molecule.platform.instance": "ours"],
        ])
    func strangers(_ labels: [String: String]) {
        let removed = OrphanRule.WorkspaceRecords(removed: [Self.id])
        for found in [[entry(labels: labels)], [entry(.volume, labels: labels)]] {
            #expect(findings(found) == OrphanRule.Findings())
            #expect(findings(found, removed) == OrphanRule.Findings())
            #expect(OrphanRule.names(in: found).isEmpty)
        }
        // A removal goes by the name: it would remove the foreign container too.
        #expect(findings([entry(labels: labels), entry(.volume)], removed).removed.isEmpty)
        #expect(findings([entry(), entry(.volume, labels: labels)], removed).removed.isEmpty)
        // It may use the volume.
        #expect(findings([entry(labels: labels), entry(.volume)]).orphans.isEmpty)
    }

    @Test(
        "Names that no id begins with are not looked up",
        arguments: ["", "abc", "zzzzzzzz-zzz", "------------", "0123456789ab", "01234567-89a-configs", "01234567-8'%"])
    func foreignNames(_ prefix: String) {
        #expect(OrphanRule.names(in: [entry(.container, prefix), entry(.volume, prefix)]).isEmpty)
        #expect(findings([entry(.container, prefix), entry(.volume, prefix)]) == OrphanRule.Findings())
    }

    // MARK: - Actions

    private let now = Date()

    private func sighting(
        _ kind: ManagedWorkspace.Kind, _ age: TimeInterval, _ name: WorkspaceName = WorkspaceName(UUID())
    ) -> OrphanRule.Sighting {
        OrphanRule.Sighting(OrphanRule.Orphan(kind, name), since: now.addingTimeInterval(-age))
    }

    @Test(
        "A container is stopped when it was seen two minutes ago, too; at most twenty at once, and not always the same")
    func stop() {
        let due = (0..<30).map { sighting(.container, 120 + Double($0)) }
        let few = OrphanRule.actions(due.suffix(3) + [sighting(.container, 119.9)], now: now, retention: 86_400)
        #expect(few.stop == due.suffix(3).reversed().map(\.orphan.workspace))
        #expect(few.removeVolume.isEmpty)
        var stopped: Set<WorkspaceName> = []
        for _ in 0..<200 {
            let many = OrphanRule.actions(due, now: now, retention: 86_400).stop
            #expect(Set(many).count == 20)
            stopped.formUnion(many)
        }
        #expect(stopped == Set(due.map(\.orphan.workspace)))
        #expect(OrphanRule.actions([sighting(.container, 119.9)], now: now, retention: 0).stop.isEmpty)
    }

    @Test("A volume is kept for its time, and for ever if configured so")
    func volumes() {
        let old = sighting(.volume, 86_401)
        let sightings = [old, sighting(.volume, 86_399)]
        #expect(OrphanRule.actions(sightings, now: now, retention: 86_400).removeVolume == [old.orphan.workspace])
        #expect(OrphanRule.actions(sightings, now: now, retention: nil) == OrphanRule.Actions())
        let many = (0..<30).map { _ in sighting(.volume, 90_000) }
        #expect(OrphanRule.actions(many, now: now, retention: 86_400).removeVolume.count == 20)
    }

    @Test("A clock that went back stops nothing")
    func clock() {
        #expect(OrphanRule.actions([sighting(.container, -3600)], now: now, retention: 0) == OrphanRule.Actions())
    }

    @Test("Most of the names without a row suggest the wrong database")
    func suspicious() {
        func findings(_ orphans: Int, _ living: Int) -> OrphanRule.Findings {
            OrphanRule.Findings(
                orphans: (0..<orphans).map { _ in OrphanRule.Orphan(.container, WorkspaceName(UUID())) }, living: living
            )
        }
        #expect(OrphanRule.isSuspicious(findings(4, 0)) && OrphanRule.isSuspicious(findings(11, 10)))
        #expect(!OrphanRule.isSuspicious(findings(3, 0)) && !OrphanRule.isSuspicious(findings(10, 10)))
    }
}
