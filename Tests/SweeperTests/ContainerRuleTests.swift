import Foundation
import Provisioning
import Sweeper
import Testing

@Suite("Containers that should run, as a rule")
struct ContainerRuleTests {
    private func container(_ id: UUID, _ state: String, kind: ManagedWorkspace.Kind = .container) -> ManagedWorkspace {
        ManagedWorkspace(
            kind: kind, idPrefix: WorkspaceName(id).prefix, state: state, labels: [:], createdAt: nil, instance: "i")
    }

    @Test("Missing are those without a container that is alive, whichever labels it has")
    func missing() {
        let ids = (0..<7).map { _ in UUID() }
        let found =
            zip(ids, ["running", "restarting", "paused", "exited", "created", "dead"]).map { container($0, $1) }
            + [container(ids[6], "running", kind: .volume)]
        #expect(ContainerHealthRule.missing(ids, among: found) == Array(ids[3...]))
        #expect(ContainerHealthRule.missing(ids, among: []) == ids)
    }

    private static let now = Date(timeIntervalSince1970: 1_800_000_000)

    private func decide(
        _ gone: Int, of expected: Int, since: TimeInterval? = nil, _ change: (inout GuardState) -> Void = { _ in }
    ) -> ContainerHealthRule.Decision {
        var liveness = GuardState()
        change(&liveness)
        return ContainerHealthRule.decide(
            gone: gone, of: expected, liveness: liveness,
            ContainerHealthRule.State(manyGoneSince: since.map { Self.now.addingTimeInterval(-$0) }), now: Self.now,
            period: 180)
    }

    @Test(
        "A few that are gone are accepted; much of a fleet is held for a period",
        arguments: [
            (1, 1, false), (9, 9, false), (3, 10, false), (4, 10, true), (20, 100, false), (21, 100, true),
            (2000, 10_000, false), (2001, 10_000, true), (10_000, 10_000, true),
        ])
    func many(_ gone: Int, _ expected: Int, _ isHeld: Bool) {
        let decision = decide(gone, of: expected)
        #expect(decision.isHeld == isHeld)
        #expect(decision.limit == (isHeld ? 0 : gone))
        #expect((decision.silence > 0) == isHeld)
    }

    @Test("After the period a tenth of the fleet goes a minute, as long as the liveness guard sees no platform fault")
    func releases() {
        #expect(decide(5000, of: 10_000, since: 179).limit == 0)
        #expect(decide(5000, of: 10_000, since: 180).limit == 250)
        #expect(decide(4, of: 10, since: 180).limit == 1)
        #expect(decide(5000, of: 10_000, since: 180).state.manyGoneSince == Self.now.addingTimeInterval(-180))
        #expect(decide(5000, of: 10_000, since: 600) { $0.graceSince = Self.now }.limit == 0)
        #expect(
            decide(5000, of: 10_000, since: 600) { $0.ingestTroubleAt = Self.now.addingTimeInterval(-179) }.limit == 0)
        #expect(
            decide(5000, of: 10_000, since: 600) { $0.ingestTroubleAt = Self.now.addingTimeInterval(-181) }.limit == 250
        )
        #expect(decide(5000, of: 10_000, since: 600) { $0.holdsUntil = Self.now.addingTimeInterval(1) }.limit == 0)
        let unheard = ContainerHealthRule.decide(
            gone: 5000, of: 10_000, liveness: nil, .init(manyGoneSince: .distantPast), now: Self.now, period: 180)
        #expect(unheard.limit == 0)
        #expect(decide(3, of: 10, since: 600).state == ContainerHealthRule.State())
    }

    @Test("The operator's time, then the template's, then half an hour for hermes, then ten minutes")
    func timeouts() {
        let plain = ProvisionTimeouts(override: nil, declared: [:])
        #expect(plain.seconds(of: "langgraph") == 600 && plain.seconds(of: "hermes") == 1800)
        let declared: [String: Duration] = ["hermes": .seconds(60), "crewai": .milliseconds(90_500)]
        let timeouts = ProvisionTimeouts(override: nil, declared: declared)
        #expect(timeouts.seconds(of: "hermes") == 60 && timeouts.seconds(of: "crewai") == 91)
        #expect(timeouts.seconds(of: "langgraph") == 600)
        let overridden = ProvisionTimeouts(override: 5, declared: declared)
        #expect(["hermes", "crewai", "langgraph"].allSatisfy { overridden.seconds(of: $0) == 5 })
        #expect(
            ProvisionTimeouts(override: nil, declared: ["x": .seconds(Int64.max)]).seconds(of: "x") == 1_000_000_000)
    }
}

extension ProvisionTimeouts {
    /// As the statement does, which is given both.
    fileprivate func seconds(of runtime: String) -> Int { byRuntime[runtime] ?? others }
}
