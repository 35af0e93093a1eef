import Authentication
import Contracts
import Foundation
import HTTPCore
import Observability
import PlatformInternals
import Postgres
import ServiceHost
import UVHTTPClient
import UVHTTPServer

/// Forwards one message and responds as the contract says: the agent's response, 202 when it is busy, or an error.
package struct Forwarder: Sendable {
    let router: MessageRouter
    let agents: AgentClient
    let enqueuer: Enqueuer
    let contexts: QueuedContextIndex
    let recorder: CallRecorder
    let waker: WorkspaceWaker
    let calls: CallsInFlight
    let settings: A2AProxySettings
    let metrics: ProxyMetrics
    let logger: Logger

    package init(
        router: MessageRouter, agents: AgentClient, enqueuer: Enqueuer, contexts: QueuedContextIndex,
        recorder: CallRecorder, waker: WorkspaceWaker, calls: CallsInFlight, settings: A2AProxySettings,
        metrics: ProxyMetrics,
        logger: Logger
    ) {
        self.calls = calls
        self.router = router
        self.agents = agents
        self.enqueuer = enqueuer
        self.contexts = contexts
        self.recorder = recorder
        self.waker = waker
        self.settings = settings
        self.metrics = metrics
        self.logger = logger
    }

    /// Which requests are queued when the agent is busy.
    package enum RecordingPolicy: Sendable {
        case everything
        /// Not queries: their clients can repeat them.
        case messages
    }

    /// Observes the lifetime of a forwarded stream.
    package struct StreamWatch: Sendable {
        /// Called with the source that can be cancelled to end the agent's call.
        let onBegin: @Sendable (any HTTPByteSource) -> Void
        /// Called when the stream has ended, whether or not its caller is still connected.
        let onEnd: @Sendable () async -> Void
    }

    /// The context of one message that is being forwarded.
    struct ForwardContext: Sendable {
        let caller: Caller
        let message: AgentRequest
        let options: AgentClient.Options
        let policy: RecordingPolicy
        /// Set for a send with an `Idempotency-Key`.
        let run: IdempotentRun?
        /// Set for such a send, in case its agent responds with a stream.
        let watch: StreamWatch?
        let start: ContinuousClock.Instant
        /// Keeps the call counted as in flight, also while its stream is read.
        let call: CallInFlight

        /// Whether it may be queued.
        var isQueueable: Bool { message.canWait && (policy == .everything || message.carriesMessage) }
    }

    /// - Parameters:
    ///   - run: the run of a keyed send; its call is cancelled with the task.
    ///   - watch: notified of the agent's stream, if it responds with one.
    /// - Throws: ``FailedCall`` when a call failed, `APIError` when the message was rejected before one.
    package func forward(
        _ request: Request, from caller: Caller, to id: UUID, keeping policy: RecordingPolicy = .everything,
        run: IdempotentRun? = nil,
        watch: StreamWatch? = nil
    ) async throws -> Response {
        let route = try await admit(caller, id)
        request.context.workspaceID = id
        let message = try normalise(try await body(of: request), run)
        var options = AgentClient.Options()
        try limit(&options, caller, request)
        options.traceparent = request.context.traceparent
        options.protocolHeaders = try ProtocolHeaders.forwarded(of: request)
        options.passesStreams = true
        // Work that was started goes on when the caller disconnects. A keyed send has a task of its own, which outlives
        // the caller, too, and is cancelled when another instance takes over the send.
        options.endsWithTask = run != nil
        options.deliveryAttempt = run.flatMap { $0.number > 1 ? $0.number : nil }
        options.responseOwner = .caller(caller)
        let parties = Self.parties(caller, route)
        guard let call = calls.begin(message.bytes.count, between: parties) else { throw tooManyCalls() }
        recorder.note(parties)
        let context = ForwardContext(
            caller: caller, message: message, options: options, policy: policy, run: run, watch: watch,
            start: .now, call: call)
        defer { withExtendedLifetime(call) {} }
        if try await isBehindOthers(context, route) { return try await enqueueBehind(context, route) }
        return try await send(context, route)
    }

    // MARK: - Before the call

    /// The parties of a call: its sender, its target, and the workspace that the target forwards to.
    private static func parties(_ caller: Caller, _ route: MessageRoute) -> [CallParty] {
        var parties = [CallParty(workspace: route.target.id, isSender: false)]
        if let id = caller.workspaceID { parties.append(CallParty(workspace: id, isSender: true)) }
        if route.endpoint.id != route.target.id {
            parties.append(CallParty(workspace: route.endpoint.id, isSender: false))
        }
        return parties
    }

    /// The proxy is at its limit of calls in flight; nothing was sent.
    private func tooManyCalls() -> APIError {
        metrics.outcomes.labelled("no_room").increment()
        return APIError(
            .serviceUnavailable, "too many calls under way — retry shortly", code: "too_many_calls",
            retryAfter: Self.retryAfterSeconds)
    }

    private static let retryAfterSeconds = 5

    private func body(of request: Request) async throws -> [UInt8] {
        try request.requireJSON()
        // The common case: the body has arrived already.
        if case .bytes(let bytes) = request.body, bytes.count <= Limits.requestBody { return bytes }
        return try await request.body.collect(upTo: Limits.requestBody)
    }

    private func normalise(_ body: [UInt8], _ run: IdempotentRun?) throws(APIError) -> AgentRequest {
        do {
            guard let run else { return try AgentRequest(normalising: body) }
            return try AgentRequest(normalising: body) { run.messageID }
        } catch {
            throw error.apiError
        }
    }

    private func admit(_ caller: Caller, _ id: UUID) async throws -> MessageRoute {
        if let route = router.cachedRoute(from: caller.workspaceID, to: id) { return route }
        do {
            return try await router.route(from: caller.workspaceID, to: id)
        } catch RouteRefusal.error(let error) {
            throw error
        } catch RouteRefusal.hibernated(let target) {
            throw try await wake(target)
        }
    }

    private func wake(_ target: Target) async throws -> APIError {
        try await waker.wake(target.id)
        return APIError(
            .serviceUnavailable, "workspace is waking up", retryAfter: Limits.wakingRetryAfterSeconds,
            members: [(name: "waking", value: .bool(true))])
    }

    /// `X-Timeout: n` replaces the ceiling, 0 removes it.
    private func limit(_ options: inout AgentClient.Options, _ caller: Caller, _ request: Request) throws(APIError) {
        guard let text = request.headers["x-timeout"] else {
            options.ceiling = caller.isConsole ? nil : settings.callCeiling
            return
        }
        guard let seconds = Double(text), seconds >= 0, seconds <= Self.longestTimeout else {
            throw APIError(
                .badRequest, "invalid X-Timeout", field: "X-Timeout",
                reason: "must be seconds, 0 (no ceiling) to \(Int(Self.longestTimeout))")
        }
        options.hasCallersCeiling = true
        options.ceiling = seconds == 0 ? nil : .seconds(seconds)
    }

    private static let longestTimeout = 7 * 86_400.0

    // MARK: - The call

    private func send(_ context: ForwardContext, _ route: MessageRoute) async throws -> Response {
        let result = await agents.call(route.endpoint, url: route.url, message: context.message.bytes, context.options)
        switch result {
        case .streams(let response): return pass(response, context, route)
        case .ended(let outcome):
            metrics.count(outcome)
            do {
                if outcome.isConnectFailure { return try await handleConnectFailure(outcome, context, route) }
                return try await respond(to: outcome, context, route)
            } catch let error as APIError {
                throw FailedCall(apiError: error, delivery: outcome.delivery)
            }
        }
    }

    private func respond(to outcome: CallOutcome, _ context: ForwardContext, _ route: MessageRoute) async throws
        -> Response
    {
        switch outcome {
        case .responded(let agentResponse):
            let isSuccess = agentResponse.status.isSuccess
            record(context, route, isSuccess ? "ok" : "error", isSuccess ? nil : agentResponse.errorText, agentResponse)
            guard isSuccess else { return agentResponse.errorResponse }
            var response = Response(
                agentResponse.status, headers: Self.headers(agentResponse), body: .bytes(agentResponse.body))
            response.retained = agentResponse.reservation
            response.isForwarded = true
            return response
        case .busy(let reason, let retryAfter):
            return try await busy(reason, retryAfter, context, route)
        case .unsafeAddress:
            record(context, route, "error", outcome.failureText)
            throw MessageRouter.unsafe
        case .responseLost(let isConfirmed):
            throw unreadable(outcome, isConfirmed: isConfirmed, context, route)
        case .memoryExhausted:
            throw unreadable(outcome, isConfirmed: true, context, route)
        case .absent, .unreachable, .abandoned, .notRoutable, .gone, .refused:
            record(context, route, "error", outcome.failureText)
            throw APIError(.badGateway, ErrorMessage.agentUnreachable)
        }
    }

    private func unreadable(
        _ outcome: CallOutcome, isConfirmed: Bool, _ context: ForwardContext, _ route: MessageRoute
    ) -> APIError {
        record(context, route, "error", outcome.failureText)
        return APIError(
            .badGateway, ErrorMessage.agentResponseUnreadable,
            members: [(name: "delivery_confirmed", value: .bool(isConfirmed))])
    }

    private static let jsonHeaders = HTTPHeaders([("Content-Type", "application/json")])

    private static func headers(_ response: AgentResponse) -> HTTPHeaders {
        var headers = jsonHeaders
        if let type = response.contentType, type != "application/json" { headers = ["Content-Type": type] }
        response.protocolHeaders?.forEachField { headers.add(name: $0, value: $1) }
        return headers
    }

    /// The agent may have moved since the route was cached, or have just been hibernated. If the connection was
    /// refused, its container may be dead.
    private func handleConnectFailure(
        _ outcome: CallOutcome, _ context: ForwardContext, _ route: MessageRoute
    ) async throws -> Response {
        var fresh: MessageRoute?
        do {
            fresh = try await router.verifiedRoute(from: context.caller.workspaceID, to: route.target.id)
        } catch RouteRefusal.hibernated(let target) {
            record(context, route, "error", "workspace is hibernated")
            throw try await wake(target)
        } catch {}
        if let fresh, fresh.url != route.url { return try await send(context, fresh) }
        if await waker.restart(route.endpoint, after: outcome) {
            record(context, route, "error", "container not running")
            throw APIError(
                .serviceUnavailable, "workspace agent is restarting", retryAfter: Limits.wakingRetryAfterSeconds,
                members: [(name: "restarting", value: .bool(true))])
        }
        return try await respond(to: outcome, context, route)
    }

    // MARK: - Busy

    private func busy(
        _ reason: BusyReason, _ retryAfter: Duration?, _ context: ForwardContext, _ route: MessageRoute
    ) async throws -> Response {
        let isOwnQueue = route.endpoint.capabilities.contains(.session)
        guard !isOwnQueue, context.isQueueable else {
            record(context, route, "error", reason.rawValue)
            var members: [(name: String, value: APIError.Member)] = [("busy", .bool(true))]
            if isOwnQueue { members.append(("native_session", .bool(true))) }
            throw Self.busyError("workspace agent is busy", members)
        }
        return try await enqueue(newItem(context, route, reason, retryAfter), reason.rawValue, context, route)
    }

    private func enqueue(
        _ item: NewItem, _ reason: String, _ context: ForwardContext, _ route: MessageRoute
    ) async throws -> Response {
        let queued: Enqueued
        do {
            queued = try await enqueuer.enqueue(item)
        } catch is MessageIDTaken {
            record(context, route, "error", Self.isTaken)
            throw APIError(.conflict, Self.isTaken, field: "messageId")
        } catch {
            logger.warning("message not stored", [.workspaceID: .uuid(route.target.id), .error: .error(error)])
            record(context, route, "error", reason)
            throw Self.busyError("workspace agent is busy and the message could not be stored", [("busy", .bool(true))])
        }
        if item.contextID != nil { await contexts.stored(for: item.workspace) }
        record(context, route, "queued", reason)
        return try .json(
            .accepted,
            bytes: WireJSON.encode(
                QueuedResponse(
                    queueID: queued.id, queueDepth: queued.depth,
                    message: "\(item.targetIsBusy ? "workspace agent is busy" : reason); "
                        + "the message is queued and will be delivered")))
    }

    // MARK: - Order within a context

    private static let isBehind = "an earlier message of its context is waiting"

    /// Whether it would overtake an earlier message of its context that is queued. Queries may overtake, and so may
    /// everything to a target with a queue of its own, or one that is offline: a heartbeat for queued items may never
    /// come.
    private func isBehindOthers(_ context: ForwardContext, _ route: MessageRoute) async throws -> Bool {
        guard let contextID = context.message.contextID, context.isQueueable,
            !route.endpoint.capabilities.contains(.session), route.target.status != .offline
        else { return false }
        return try await contexts.hasMessage(of: contextID, for: route.target.id)
    }

    /// Queues a message behind the others of its context; the target may well have capacity.
    private func enqueueBehind(_ context: ForwardContext, _ route: MessageRoute) async throws -> Response {
        var item = newItem(context, route)
        item.targetIsBusy = false
        return try await enqueue(item, Self.isBehind, context, route)
    }

    private func newItem(
        _ context: ForwardContext, _ route: MessageRoute, _ reason: BusyReason, _ retryAfter: Duration?
    ) -> NewItem {
        var item = newItem(context, route)
        let isCallersLimit = reason == .deadline && context.options.hasCallersCeiling
        item.targetIsBusy = reason.isTargetBusy && !isCallersLimit
        item.error = reason.rawValue
        item.isUncertain = item.isUncertain || reason.isUncertain
        if reason.isUncertain { item.deliveries += 1 }
        item.backoff = settings.rules.retryDelay.delay(claims: 0, unit: .random(in: 0...1), asked: retryAfter)
        item.hold = min(retryAfter ?? .zero, RetryAfter.longest)
        return item
    }

    private func newItem(_ context: ForwardContext, _ route: MessageRoute) -> NewItem {
        var item = NewItem(
            workspace: route.target.id, caller: context.caller.workspaceID, operatorKey: context.caller.operatorKey,
            method: context.message.method, body: String(decoding: context.message.bytes, as: UTF8.self),
            messageID: context.message.messageID, contextID: context.message.contextID,
            delegation: context.message.links.delegationID, traceparent: context.options.traceparent,
            protocolHeaders: context.options.protocolHeaders.map(ProtocolHeaders.text))
        // Each earlier run of a keyed send may have delivered it.
        item.deliveries = (context.options.deliveryAttempt ?? 1) - 1
        item.isUncertain = item.deliveries > 0
        return item
    }

    private static let isTaken = "messageId was used with another message"

    private static func busyError(
        _ message: String, _ members: [(name: String, value: APIError.Member)]
    ) -> APIError {
        APIError(.serviceUnavailable, message, retryAfter: Limits.busyRetryAfterSeconds, members: members)
    }

    func record(
        _ context: ForwardContext, _ route: MessageRoute, _ status: String, _ error: String? = nil,
        _ response: AgentResponse? = nil
    ) {
        recorder.record(
            CallRecord(
                caller: context.caller.workspaceID, target: route.target, message: context.message,
                duration: ContinuousClock.now - context.start, status: status, error: error, response: response,
                isConsole: context.caller.isConsole))
    }
}
