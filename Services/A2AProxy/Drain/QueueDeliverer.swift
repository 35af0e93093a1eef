import AgentResponses
import Foundation
import HTTPCore
import Observability
import Postgres
import UVHTTPServer
import UVLoop

/// Delivers claimed items: one call each, whose outcome is evaluated by the rules and stored.
package final class QueueDeliverer: Sendable {
    package let inFlight = InFlightDeliveries()

    private let router: MessageRouter
    private let agents: AgentClient
    private let finisher: OutcomeWriter
    private let recorder: CallRecorder
    private let waker: WorkspaceWaker
    private let calls: CallsInFlight
    private let settings: A2AProxySettings
    private let metrics: ProxyMetrics
    private let logger: Logger

    package init(
        router: MessageRouter, agents: AgentClient, finisher: OutcomeWriter, recorder: CallRecorder,
        waker: WorkspaceWaker,
        calls: CallsInFlight, settings: A2AProxySettings, metrics: ProxyMetrics, logger: Logger
    ) {
        self.calls = calls
        self.router = router
        self.agents = agents
        self.finisher = finisher
        self.recorder = recorder
        self.waker = waker
        self.settings = settings
        self.metrics = metrics
        self.logger = logger
    }

    /// The capacity for further items and bytes of messages: the lesser of the limits of deliveries, and of what is
    /// left of the process' limits of calls in flight.
    var room: (items: Int, bytes: Int) {
        let (load, room) = (inFlight.load, calls.room)
        return (
            min(settings.drainLimit - load.count, room.calls), min(settings.drainBytes - load.bytes, room.bytes)
        )
    }

    /// Starts the delivery of an item.
    ///
    /// - Parameters:
    ///   - claimedAt: when the claim was requested: a lower bound of the lease's start.
    ///   - whenDone: called when the item's row is written and its capacity released.
    func deliver(
        _ item: ClaimedItem, claimedAt: ContinuousClock.Instant, on loop: EventLoop,
        whenDone: @escaping @Sendable () -> Void
    ) {
        let lease = ItemLease(item: item.id, claimNumber: item.claimNumber)
        let call = calls.beginClaimed(item.body.count)
        inFlight.begin(lease, bytes: item.body.count, until: claimedAt + settings.lease) {
            Task(executorPreference: loop) {
                await self.run(item, lease, call)
                call.end()
                self.inFlight.end(lease)
                whenDone()
            }
        }
    }

    private func run(_ item: ClaimedItem, _ lease: ItemLease, _ call: CallInFlight) async {
        let start = ContinuousClock.now
        let (outcome, target) = await attempt(item, call)
        // Cancelled by the proxy: a shutdown hands all leases back together, and after a lost lease another instance
        // finishes.
        if case .abandoned = outcome { return }
        inFlight.finishing(lease)
        metrics.count(outcome)
        var verdict = settings.rules.verdict(on: outcome, for: item.facts)
        verdict.error = verdict.error?.withoutNUL
        let finished = finished(item, verdict, outcome)
        if let target { record(item, target, verdict, outcome, ContinuousClock.now - start) }
        // The response keeps its memory reservation until it is stored.
        defer { withExtendedLifetime(outcome) {} }
        let isAccepted = await finisher.finish(finished) { [inFlight] in inFlight.holds(lease) }
        metrics.finished.labelled(isAccepted ? verdict.status : "stale").increment()
        if isAccepted, let delegation = finished.delegation, delegation.status != nil {
            recorder.add(.delegationResult(item, delegation))
        }
    }

    // MARK: - The call

    private func attempt(_ item: ClaimedItem, _ call: CallInFlight) async -> (CallOutcome, Target?) {
        let route: MessageRoute
        do {
            route = try await router.route(from: nil, to: item.workspace)
        } catch {
            return (await outcome(of: error), nil)
        }
        var options = AgentClient.Options(ceiling: item.caller == nil ? nil : settings.callCeiling)
        options.traceparent = item.traceparent
        options.protocolHeaders = item.protocolHeaders
        if item.deliveries > 0 { options.deliveryAttempt = item.deliveries + 1 }
        var (endpoint, url) = (route.endpoint, route.url)
        for isLast in [false, true] {
            keepAwake(endpoint, item, call)
            guard case .ended(let outcome) = await agents.call(endpoint, url: url, message: item.body, options) else {
                break
            }
            guard outcome.isConnectFailure, !isLast,
                let fresh = try? await router.verifiedRoute(from: nil, to: item.workspace), fresh.url != url
            else {
                _ = await waker.restart(endpoint, after: outcome)
                return (outcome, route.target)
            }
            (endpoint, url) = (fresh.endpoint, fresh.url)
        }
        return (.unreachable, route.target)
    }

    /// Keeps the workspace that the target forwards to from being hibernated; the target itself is kept awake by its
    /// item.
    private func keepAwake(_ endpoint: Target, _ item: ClaimedItem, _ call: CallInFlight) {
        guard endpoint.id != item.workspace else { return }
        let party = CallParty(workspace: endpoint.id, isSender: false)
        call.join(party)
        recorder.note([party])
    }

    /// The outcome when the target cannot be routed to.
    private func outcome(of error: any Error) async -> CallOutcome {
        switch error {
        case RouteRefusal.hibernated(let target):
            try? await waker.wake(target.id)
            return .notRoutable("workspace is hibernated")
        case RouteRefusal.error(let refusal):
            switch refusal.status {
            case .notFound: return .gone
            case .badGateway: return .unsafeAddress
            case .paymentRequired: return .refused(refusal.message)
            default: return .notRoutable(refusal.message)
            }
        default:
            logger.warning("target of a queue item not resolved", [.error: .error(error)])
            return .notRoutable("platform datastore unavailable")
        }
    }

    // MARK: - Afterwards

    private func finished(_ item: ClaimedItem, _ verdict: DeliveryDecision, _ outcome: CallOutcome) -> FinishedItem {
        var finished = FinishedItem(
            id: item.id, workspace: item.workspace, claimNumber: item.claimNumber, verdict: verdict)
        if case .responded(let response) = outcome {
            finished.hasResponse = true
            if verdict.next == .completed {
                finished.response = StoredBody(response.body)
                finished.responseStatus = response.status.code
            }
        }
        finished.logged = verdict.logged(after: item.facts, outcome)
        if item.delegation != nil {
            finished.delegation = DelegationOutcomeRule.change(phase: item.phase, verdict: verdict, outcome: outcome)
        }
        return finished
    }

    private func record(
        _ item: ClaimedItem, _ target: Target, _ verdict: DeliveryDecision, _ outcome: CallOutcome, _ duration: Duration
    ) {
        var record = CallRecord(
            caller: item.caller, target: target,
            message: AgentRequest(stored: item.body, method: item.method, messageID: item.messageID), duration: duration
        )
        record.status = verdict.next == .completed ? "ok" : verdict.status == "queued" ? "queued" : "error"
        record.error = verdict.error
        if case .responded(let response) = outcome { record.response = response }
        record.isConsole = item.caller == nil && item.isFromACall
        recorder.record(record)
    }
}

extension ClaimedItem {
    /// Whether it was created by the platform, for a delegation or a schedule, and not by a call to the proxy.
    var isFromQueueAlone: Bool { delegation != nil || schedule != nil }
    var isFromACall: Bool { !isFromQueueAlone }
}
