import Authentication
import Contracts
import EventOutbox
import Foundation
import HTTPCore
import Observability
import ServiceHost
import UVHTTPServer

/// `/admin/sweeps/guard`: the state of the guard of the liveness sweeps, and its override by an operator.
struct LivenessGuardRoutes: Sendable {
    let context: ServiceContext
    let store: LivenessStore
    /// The liveness timeout of a scope, in seconds.
    let ttl: @Sendable (SweepScope) -> Double

    func add(to router: inout Router) {
        router.on(.get, "/admin/sweeps/guard", show)
        router.on(.post, "/admin/sweeps/guard/release", release)
    }

    private func show(_ request: Request) async throws -> Response {
        try await context.authenticator.admin(request)
        return try .wire(
            .ok, SweepGuardResponse(managed: try await status(.managed), remote: try await status(.remote)))
    }

    private func status(_ scope: SweepScope) async throws -> SweepGuardStatus {
        SweepGuardStatus(try await store.guardState(scope), period: ttl(scope))
    }

    private func release(_ request: Request) async throws -> Response {
        let identity = try await context.authenticator.admin(request)
        let scope = try await request.decode(SweepReleaseRequest.self).scope
        let name = Caller.console(identity).operatorKey ?? "admin"
        let (released, events) = try await store.release(scope, ttl: ttl(scope), by: name)
        context.relay.committed(events)
        context.logger.warning(
            "silent workspaces released by hand",
            [.name: .string(scope.rawValue), .key: .string(name), .count: .int(released)])
        return try .wire(.ok, SweepReleaseResponse(scope: scope, released: released))
    }
}

extension SweepGuardStatus {
    /// The part of the guard's state that is shown to operators.
    package init(_ state: GuardState, period: TimeInterval) {
        let counts = state.counts ?? GuardState.Counts(running: 0, late: 0, silent: 0)
        self.init(
            held: state.reason != nil, reason: state.reason?.rawValue, heldSince: state.heldSince,
            holdsUntil: state.heldSince == nil ? nil : state.holdsUntil,
            graceUntil: state.graceSince?.addingTimeInterval(period), running: counts.running, late: counts.late,
            silent: counts.silent,
            allowance: max(1, Int(Double(counts.running) * LivenessGuard.releaseShareAMinute)),
            lastPassAt: state.lastPassAt, releasedBy: state.handRelease?.by)
    }
}
