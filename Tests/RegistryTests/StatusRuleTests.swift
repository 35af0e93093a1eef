import Contracts
import Registry
import Testing

/// The table of the specification, row by row, for every status.
@Suite("Status rule")
struct StatusRuleTests {
    typealias Beat = StatusRule.Beat

    static let cases: [(beat: Beat, becomes: [WorkspaceStatus: WorkspaceStatus])] = {
        let revived: [WorkspaceStatus: WorkspaceStatus] = [
            .offline: .online, .provisioning: .online, .awaitingAgent: .online,
        ]
        func also(_ more: [WorkspaceStatus: WorkspaceStatus]) -> [WorkspaceStatus: WorkspaceStatus] {
            revived.merging(more) { $1 }
        }
        return [
            (Beat(), also([.degraded: .online])),
            (Beat(runtimeState: "wedged"), also([.online: .degraded])),
            (Beat(runtimeState: "wedged", capabilities: .statusManagement), also([.online: .degraded])),
            (Beat(runtimeState: "warming"), revived),
            (Beat(errorRate: 0.5), also([.online: .degraded])),
            (Beat(errorRate: 0.49), revived),
            (Beat(errorRate: 0.1), revived),
            (Beat(errorRate: 0.09), also([.degraded: .online])),
            (Beat(errorRate: 1, capabilities: .statusManagement), revived),
            (Beat(capabilities: .statusManagement), revived),
            (Beat(runtimeState: "wedged", errorRate: 1), also([.online: .degraded])),
        ]
    }()

    /// Every combination of what the rule looks at, with the values on both sides of each of its limits.
    static let beats: [Beat] = {
        var beats: [Beat] = []
        let capabilities: [Capabilities] = [[], .statusManagement, .scheduler]
        for state in ["", "wedged", "warming"] {
            for rate in [0, 0.09, 0.1, 0.49, 0.5, 1] {
                beats += capabilities.map { Beat(runtimeState: state, errorRate: rate, capabilities: $0) }
            }
        }
        return beats
    }()

    @Test("Every status with every kind of beat", arguments: WorkspaceStatus.allCases)
    func table(status: WorkspaceStatus) {
        for (beat, becomes) in Self.cases {
            #expect(StatusRule.next(status, beat) == becomes[status], "\(status) with \(beat)")
        }
    }
}
