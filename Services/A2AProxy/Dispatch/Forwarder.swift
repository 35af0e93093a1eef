import Authentication
import Contracts
import Foundation
import HTTPClient
import HTTPCore
import HTTPServer
import Observability
import PostgresClient
import ServiceHost

/// Forwards one message and answers as the contract says: the agent's answer, 202 when it is busy, or what went wrong.
package struct Forwarder: Sendable {
    let router: MessageRouter
    let agents: AgentClient
    let enqueuer: Enqueuer
    let contexts: WaitingContexts
    let recorder: CallRecorder
    let waker: Waker
    let calls: CallsInFlight
    let settings: A2AProxySettings
    let metrics: ProxyMetrics
    let logger: Logger

    package init(
        router: MessageRouter, agents: AgentClient, enqueuer: Enqueuer, contexts: WaitingContexts,
        recorder: CallRecorder, waker: Waker, calls: CallsInFlight, settings: A2AProxySettings, metrics: ProxyMetrics,
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

    /// What is stored when the agent is busy.
    package enum Kept: Sendable {
        case everything
        /// Not what only asks: whoever asks can ask again.
        case messages
    }

    /// Who has to know how long a stream that is handed on runs.
    package struct StreamWatch: Sendable {
        /// Called with what ends the agent's call.
        let onBegin: @Sendable (any HTTPByteSource) -> Void
        /// Called when it has come to its end, whether or not its caller still listens.
        let onEnd: @Sendable () async -> Void
    }

    /// One message on its way, and what is needed to answer for it.
    struct Errand: Sendable {
        let caller: Caller
        let message: A2AMessage
        let options: AgentClient.Options
        let kept: Kept
        /// Of a send that a key stands for.
        let run: KeyedRun?
        /// Of such a send, should its agent answer with a stream.
        let watch: StreamWatch?
        let start: ContinuousClock.Instant
        /// Counts the call for as long as anybody deals with it: the reader of its stream, too.
        let call: CallInFlight

        /// Whether it may be stored for later.
        var makesSenseLater: Bool { message.canWait && (kept == .everything || message.carriesMessage) }
    }

    /// - Parameters:
    ///   - run: which run of a keyed send this is; its call ends with the task.
    ///   - watch: told of the agent's stream, if it answers with one.
    /// - Throws: ``UnansweredCall`` for what a call came to, `APIError` for what was refused before one.
    package func forward(
        _ request: Request, from caller: Caller, to id: UUID, keeping kept: Kept = .everything, run: KeyedRun? = nil,
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
        // Work that was started goes on, whatever becomes of the caller. A keyed send has a task of its own, which outlives
        // the caller, too, and ends when the send is another instance's.
        options.endsWithTask = run != nil
        options.deliveryAttempt = run.flatMap { $0.number > 1 ? $0.number : nil }
        options.answersTo = .caller(caller)
        let parties = Self.parties(caller, route)
        guard let call = calls.begin(message.bytes.count, between: parties) else { throw tooManyCalls() }
        recorder.note(parties)
        let errand = Errand(
            caller: caller, message: message, options: options, kept: kept, run: run, watch: watch,
            start: .now, call: call)
        defer { withExtendedLifetime(call) {} }
        if try await isBehindOthers(errand, route) { return try await lineUp(errand, route) }
        return try await send(errand, route)
    }

    // MARK: - Before the call

    /// Who takes part in a call: its sender, whose message it is, and who deals with it.
    private static func parties(_ caller: Caller, _ route: MessageRoute) -> [Touch] {
        var parties = [Touch(workspace: route.target.id, isSender: false)]
        if let id = caller.workspaceID { parties.append(Touch(workspace: id, isSender: true)) }
        if route.place.id != route.target.id { parties.append(Touch(workspace: route.place.id, isSender: false)) }
        return parties
    }

    /// The shortage is ours and says nothing about the agent; nothing was sent.
    private func tooManyCalls() -> APIError {
        metrics.outcomes.labelled("no_room").increment()
        return APIError(
            .serviceUnavailable, "too many calls under way — retry shortly", code: "too_many_calls",
            retryAfter: Self.retryAfterSeconds)
    }

    private static let retryAfterSeconds = 5

    private func body(of request: Request) async throws -> [UInt8] {
        try request.requireJSON()
        // Nearly always there by now: nothing to wait for then.
        if case .bytes(let bytes) = request.body, bytes.count <= Limits.requestBody { return bytes }
        return try await request.body.collect(upTo: Limits.requestBody)
    }

    private func normalise(_ body: [UInt8], _ run: KeyedRun?) throws(APIError) -> A2AMessage {
        do {
            guard let run else { return try A2AMessage(normalising: body) }
            return try A2AMessage(normalising: body) { run.messageID }
        } catch {
            throw error.apiError
        }
    }

    private func admit(_ caller: Caller, _ id: UUID) async throws -> MessageRoute {
        if let route = router.knownRoute(from: caller.workspaceID, to: id) { return route }
        do {
            return try await router.route(from: caller.workspaceID, to: id)
        } catch RouteRefusal.error(let error) {
            throw error
        } catch RouteRefusal.hibernated(let target) {
            throw try await waking(target)
        }
    }

    private func waking(_ target: Target) async throws -> APIError {
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

    private func send(_ errand: Errand, _ route: MessageRoute) async throws -> Response {
        let result = await agents.call(route.place, url: route.url, message: errand.message.bytes, errand.options)
        switch result {
        case .streams(let response): return pass(response, errand, route)
        case .ended(let outcome):
            metrics.count(outcome)
            do {
                if outcome.foundNoAgent { return try await notReached(outcome, errand, route) }
                return try await respond(to: outcome, errand, route)
            } catch let error as APIError {
                throw UnansweredCall(apiError: error, delivery: outcome.delivery)
            }
        }
    }

    private func respond(to outcome: CallOutcome, _ errand: Errand, _ route: MessageRoute) async throws -> Response {
        switch outcome {
        case .answered(let answer):
            let isSuccess = answer.status.isSuccess
            record(errand, route, isSuccess ? "ok" : "error", isSuccess ? nil : answer.errorText, answer)
            guard isSuccess else { return answer.errorResponse }
            var response = Response(answer.status, headers: Self.headers(answer), body: .bytes(answer.body))
            response.retained = answer.share
            response.isPassedOn = true
            return response
        case .busy(let reason, let retryAfter):
            return try await busy(reason, retryAfter, errand, route)
        case .unsafeAddress:
            record(errand, route, "error", outcome.failureText)
            throw MessageRouter.unsafe
        case .answerLost(let isConfirmed):
            throw unreadable(outcome, isConfirmed: isConfirmed, errand, route)
        case .noRoom:
            throw unreadable(outcome, isConfirmed: true, errand, route)
        case .absent, .unreachable, .abandoned, .notNow, .gone, .refused:
            record(errand, route, "error", outcome.failureText)
            throw APIError(.badGateway, Sentence.agentUnreachable)
        }
    }

    private func unreadable(
        _ outcome: CallOutcome, isConfirmed: Bool, _ errand: Errand, _ route: MessageRoute
    ) -> APIError {
        record(errand, route, "error", outcome.failureText)
        return APIError(
            .badGateway, Sentence.agentResponseUnreadable,
            members: [(name: "delivery_confirmed", value: .bool(isConfirmed))])
    }

    private static let jsonHeaders = HTTPHeaders([("Content-Type", "application/json")])

    private static func headers(_ answer: AgentAnswer) -> HTTPHeaders {
        var headers = jsonHeaders
        if let type = answer.contentType, type != "application/json" { headers = ["Content-Type": type] }
        answer.protocolHeaders?.forEachField { headers.add(name: $0, value: $1) }
        return headers
    }

    /// Perhaps the agent has moved since the cache was filled, or was sent to sleep in this moment. Where nobody listens,
    /// perhaps its container is dead.
    private func notReached(
        _ outcome: CallOutcome, _ errand: Errand, _ route: MessageRoute
    ) async throws -> Response {
        var fresh: MessageRoute?
        do {
            fresh = try await router.verifiedRoute(from: errand.caller.workspaceID, to: route.target.id)
        } catch RouteRefusal.hibernated(let target) {
            record(errand, route, "error", "workspace is hibernated")
            throw try await waking(target)
        } catch {}
        if let fresh, fresh.url != route.url { return try await send(errand, fresh) }
        if await waker.restart(route.place, after: outcome) {
            record(errand, route, "error", "container not running")
            throw APIError(
                .serviceUnavailable, "workspace agent is restarting", retryAfter: Limits.wakingRetryAfterSeconds,
                members: [(name: "restarting", value: .bool(true))])
        }
        return try await respond(to: outcome, errand, route)
    }

    // MARK: - Busy

    private func busy(
        _ reason: BusyReason, _ retryAfter: Duration?, _ errand: Errand, _ route: MessageRoute
    ) async throws -> Response {
        let isOwnQueue = route.place.capabilities.contains(.session)
        guard !isOwnQueue, errand.makesSenseLater else {
            record(errand, route, "error", reason.rawValue)
            var members: [(name: String, value: APIError.Member)] = [("busy", .bool(true))]
            if isOwnQueue { members.append(("native_session", .bool(true))) }
            throw Self.busyError("workspace agent is busy", members)
        }
        return try await keep(newItem(errand, route, reason, retryAfter), reason.rawValue, errand, route)
    }

    private func keep(
        _ item: NewItem, _ reason: String, _ errand: Errand, _ route: MessageRoute
    ) async throws -> Response {
        let queued: Enqueued
        do {
            queued = try await enqueuer.enqueue(item)
        } catch is MessageIDTaken {
            record(errand, route, "error", Self.isTaken)
            throw APIError(.conflict, Self.isTaken, field: "messageId")
        } catch {
            logger.warning("message not stored", [.workspaceID: .uuid(route.target.id), .error: .error(error)])
            record(errand, route, "error", reason)
            throw Self.busyError("workspace agent is busy and the message could not be stored", [("busy", .bool(true))])
        }
        if item.contextID != nil { await contexts.stored(for: item.workspace) }
        record(errand, route, "queued", reason)
        return try .json(
            .accepted,
            bytes: WireJSON.encode(
                QueuedAnswer(
                    queueID: queued.id, queueDepth: queued.depth,
                    message: "\(item.targetIsBusy ? "workspace agent is busy" : reason); "
                        + "the message is queued and will be delivered")))
    }

    // MARK: - Order within a context

    private static let isBehind = "an earlier message of its context is waiting"

    /// Whether it would pass an earlier message of its context that waits. What only asks passes, and so does everything
    /// to a target with a queue of its own, or one that is offline: no heartbeat of it may ever come for what waits.
    private func isBehindOthers(_ errand: Errand, _ route: MessageRoute) async throws -> Bool {
        guard let context = errand.message.contextID, errand.makesSenseLater,
            !route.place.capabilities.contains(.session), route.target.status != .offline
        else { return false }
        return try await contexts.hasMessage(of: context, for: route.target.id)
    }

    /// Stores a message behind the others of its context; the target may well have room.
    private func lineUp(_ errand: Errand, _ route: MessageRoute) async throws -> Response {
        var item = newItem(errand, route)
        item.targetIsBusy = false
        return try await keep(item, Self.isBehind, errand, route)
    }

    private func newItem(
        _ errand: Errand, _ route: MessageRoute, _ reason: BusyReason, _ retryAfter: Duration?
    ) -> NewItem {
        var item = newItem(errand, route)
        let isCallersLimit = reason == .deadline && errand.options.hasCallersCeiling
        item.targetIsBusy = reason.isOfTheTarget && !isCallersLimit
        item.error = reason.rawValue
        item.isUncertain = item.isUncertain || reason.isUncertain
        if reason.isUncertain { item.deliveries += 1 }
        item.backoff = settings.rules.retryDelay.delay(claims: 0, unit: .random(in: 0...1), asked: retryAfter)
        item.hold = min(retryAfter ?? .zero, RetryAfter.longest)
        return item
    }

    private func newItem(_ errand: Errand, _ route: MessageRoute) -> NewItem {
        var item = NewItem(
            workspace: route.target.id, caller: errand.caller.workspaceID, operatorKey: errand.caller.operatorKey,
            method: errand.message.method, body: String(decoding: errand.message.bytes, as: UTF8.self),
            messageID: errand.message.messageID, contextID: errand.message.contextID,
            delegation: errand.message.links.delegationID, traceparent: errand.options.traceparent,
            protocolHeaders: errand.options.protocolHeaders.map(ProtocolHeaders.text))
        // Each earlier run of a keyed send may have delivered it.
        item.deliveries = (errand.options.deliveryAttempt ?? 1) - 1
        item.isUncertain = item.deliveries > 0
        return item
    }

    private static let isTaken = "messageId was used with another message"

    private static func busyError(
        _ sentence: String, _ members: [(name: String, value: APIError.Member)]
    ) -> APIError {
        APIError(.serviceUnavailable, sentence, retryAfter: Limits.busyRetryAfterSeconds, members: members)
    }

    func record(
        _ errand: Errand, _ route: MessageRoute, _ status: String, _ error: String? = nil, _ answer: AgentAnswer? = nil
    ) {
        recorder.record(
            CallRecord(
                caller: errand.caller.workspaceID, target: route.target, message: errand.message,
                duration: ContinuousClock.now - errand.start, status: status, error: error, answer: answer,
                isConsole: errand.caller.isConsole))
    }
}
