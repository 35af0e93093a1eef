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

    @Test("Missing are those without a container that is alive, whoever's labels it has")
    func missing() {
        let ids = (0..<7).map { _ in UUID() }
        let found =
            zip(ids, ["running", "restarting", "paused", "exited", "created", "dead"]).map { container($0, $1) }
            + [container(ids[6], "running", kind: .volume)]
        #expect(ContainerHealthRule.missing(ids, among: found) == Array(ids[3...]))
        #expect(ContainerHealthRule.missing(ids, among: []) == ids)
    }

    @Test(
        "A few that are gone are believed; much of a fleet must be silent, too",
        arguments: [(1, 1, false), (9, 9, false), (3, 10, false), (4, 10, true), (20, 100, false), (21, 100, true)])
    func silence(_ gone: Int, _ expected: Int, _ isDoubted: Bool) {
        #expect((ContainerHealthRule.requiredSilence(gone: gone, of: expected) > 0) == isDoubted)
    }

    @Test("The operator's time, then the template's, then half an hour for hermes, then ten minutes")
    func timeouts() {
        let plain = ProvisionTimeouts(override: nil, declared: [:])
        #expect(plain.seconds(of: "langgraph") == 600 && plain.seconds(of: "hermes") == 1800)
        let declared: [String: Duration] = ["hermes": .seconds(60), "crewai": .milliseconds(90_500)]
        let told = ProvisionTimeouts(override: nil, declared: declared)
        #expect(told.seconds(of: "hermes") == 60 && told.seconds(of: "crewai") == 91)
        #expect(told.seconds(of: "langgraph") == 600)
        let overridden = ProvisionTimeouts(override: 5, declared: declared)
        #expect(["hermes", "crewai", "langgraph"].allSatisfy { overridden.seconds(of: $0) == 5 })
        #expect(
            ProvisionTimeouts(override: nil, declared: ["x": .seconds(Int64.max)]).seconds(of: "x") == 1_000_000_000)
    }
}
