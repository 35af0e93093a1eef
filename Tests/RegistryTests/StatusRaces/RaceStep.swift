import Contracts
import Foundation
import Registry

/// What may happen to a workspace's status from outside of the heartbeats: the arrows of the lifecycle.
enum LifecycleChange: CaseIterable {
    case pause, resume, restart, timeOut, hibernate, finishHibernation, wake, delete

    var from: Set<WorkspaceStatus> {
        switch self {
        case .pause: [.online, .degraded, .offline]
        case .resume: [.paused]
        case .restart: [.offline, .failed]
        case .timeOut: [.provisioning]
        case .hibernate: [.online, .degraded]
        case .finishHibernation: [.hibernating]
        case .wake: [.hibernated, .hibernating]
        case .delete: Set(WorkspaceStatus.allCases).subtracting([.removed])
        }
    }

    var becomes: WorkspaceStatus {
        switch self {
        case .pause: .paused
        case .resume, .restart, .wake: .provisioning
        case .timeOut: .failed
        case .hibernate: .hibernating
        case .finishHibernation: .hibernated
        case .delete: .removed
        }
    }
}

/// One thing that one writer did to one workspace, and its result.
struct RaceStep: Sendable {
    enum Action: Sendable {
        case beat(StatusRule.Beat)
        case register
        /// A sweep that took the workspace offline for its silence. Sweeps may always leave one out.
        case sweep
        case change(LifecycleChange)
    }

    enum Result: Sendable, Hashable {
        case became(WorkspaceStatus)
        case unchanged
        /// It found the workspace removed.
        case gone
    }

    let workspace: UUID
    let action: Action
    let result: Result
    let began: ContinuousClock.Instant
    let ended: ContinuousClock.Instant

    /// What the rules say that the action does, alone.
    func outcome(in status: WorkspaceStatus) -> Result? {
        switch action {
        case .beat(let beat):
            status == .removed ? .gone : StatusRule.next(status, beat).map { .became($0) } ?? .unchanged
        case .register:
            status == .removed ? .gone : status == .online ? .unchanged : .became(.online)
        case .sweep:
            status == .online || status == .degraded ? .became(.offline) : nil
        case .change(let change):
            change.from.contains(status) ? .became(change.becomes) : .unchanged
        }
    }

    /// Whether silence counts from here: liveness, or a change of status.
    func endsSilence(_ outcome: Result) -> Bool {
        switch action {
        case .beat, .register: outcome != .gone
        case .sweep, .change: outcome != .unchanged
        }
    }
}
