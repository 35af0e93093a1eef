import Contracts
import Foundation
import HTTPClient
import HTTPCore
import Observability

/// Calls agents: one POST, with the timeouts of the contract, and an outcome in the platform's terms.
package final class AgentClient: Sendable {
    /// How one call differs from another.
    package struct Options: Sendable {
        /// For the whole call; nil for none.
        package var ceiling: Duration?
        /// The caller set the ceiling: that it is over says nothing about the target's room.
        package var hasCallersCeiling = false
        package var traceparent: String?
        /// The fields of the A2A protocol that came with the message.
        package var protocolHeaders: HTTPHeaders?
        /// Which delivery this is, when an earlier one may have arrived.
        package var deliveryAttempt: Int?
        /// Hand a stream of events over instead of collecting it.
        package var passesStreams = false
        /// The call ends with the task that makes it; else with its answer or its timeouts.
        package var endsWithTask = true
        /// Who is to have the answer: the memory for answers is shared among them.
        package var answersTo = AnswerOwner.queue

        package init(ceiling: Duration? = nil) {
            self.ceiling = ceiling
        }
    }

    package enum Result: Sendable {
        case ended(CallOutcome)
        case streams(ClientResponse)
    }

    /// Provisioned addresses have rules of their own, and connections that are never shared with others.
    package static let provisionedClass = 1

    private let client: HTTPClient
    private let life: SignOfLifeReader
    private let settings: A2AProxySettings
    private let budget: AnswerBudget
    private let metrics: ProxyMetrics

    package init(
        client: HTTPClient, life: SignOfLifeReader, settings: A2AProxySettings, budget: AnswerBudget,
        metrics: ProxyMetrics
    ) {
        self.client = client
        self.life = life
        self.settings = settings
        self.budget = budget
        self.metrics = metrics
    }

    /// Sends a message to a target's agent.
    ///
    /// - Parameters:
    ///   - place: whose address is called: the target itself, or the one that it is forwarded to.
    package func call(_ place: Target, url: ClientURL, message: [UInt8], _ options: Options) async -> Result {
        do throws(HTTPClientError) {
            let response = try await client.send(request(to: place, url, message, options))
            if case .stream(let source) = response.body {
                let passes = options.passesStreams && response.status.isSuccess && Self.isEventStream(response.headers)
                if passes { return .streams(response) }
                let patience = place.idleTimeout ?? settings.idleTimeout
                return .ended(await collect(source, response, for: options.answersTo, patience: patience))
            }
            return .ended(Self.outcome(response))
        } catch {
            return .ended(CallOutcome(error))
        }
    }

    private func request(
        to place: Target, _ url: ClientURL, _ message: [UInt8], _ options: Options
    ) -> ClientRequest {
        // A message that came from a proxy brings its count along.
        let isCounted = options.protocolHeaders?.contains(Hops.header) == true
        var headers = isCounted ? Self.baseHeaders : Self.firstHopHeaders
        if let traceparent = options.traceparent { headers.add("traceparent", traceparent) }
        options.protocolHeaders?.forEachField { headers.add(name: $0, value: $1) }
        if let attempt = options.deliveryAttempt { headers.add(Self.attemptHeader, String(attempt)) }
        var request = ClientRequest(.post, url, headers: headers, body: .bytes(message))
        request.retryHeaders =
            options.deliveryAttempt.map { [Self.attemptHeader: String($0 + 1)] } ?? Self.secondAttempt
        // What is sent again says so.
        request.retriesStaleConnection = true
        request.connectTimeout = settings.connectTimeout
        request.totalTimeout = options.ceiling
        request.policyClass = place.isProvisioned ? Self.provisionedClass : 0
        let idle = place.idleTimeout ?? settings.idleTimeout
        let doubts = Doubts()
        request.idleTimeout = IdleTimeout(idle) { [self, place] in await timeLeft(of: place, idle, doubts) }
        request.collection = Self.collection
        request.endsWithTask = options.endsWithTask
        return request
    }

    /// What a sign of life that arrived elsewhere leaves of the idle timeout; nil when there was none. Where nobody can
    /// tell, the call is given the benefit of the doubt for a while: the fault is ours, and the agent may be at work.
    private func timeLeft(of place: Target, _ idle: Duration, _ doubts: Doubts) async -> Duration? {
        var left: Duration?
        do {
            if let silence = try await life.silence(of: place.id, below: idle), silence < idle { left = idle - silence }
            doubts.end()
        } catch {
            left = doubts.next()
        }
        (left == nil ? metrics.idleTimeouts : metrics.idleResets).increment()
        return left
    }

    private static let attemptHeader = "X-Delivery-Attempt"
    /// The agent may have died over a message that went out on a kept connection: sent again, it says so.
    private static let secondAttempt: HTTPHeaders = [attemptHeader: "2"]
    private static let baseHeaders = HTTPHeaders([
        ("Content-Type", "application/json"), ("Accept", "application/json, text/event-stream"),
    ])
    private static let firstHopHeaders = HTTPHeaders(Array(baseHeaders) + [(Hops.header, "1")])

    /// Small answers come as a whole; what is large or of unknown length is read piece by piece, against the budget.
    /// How long a coded one is shows when it is decoded.
    private static let collection = AnswerCollection(upTo: AnswerBudget.countedFrom) { _, headers in
        if headers.contains("content-encoding") { return true }
        guard let length = headers["content-length"].flatMap({ Int($0) }) else { return true }
        return length > AnswerBudget.countedFrom
    }

    static func isEventStream(_ headers: HTTPHeaders) -> Bool {
        guard let type = headers["content-type"]?.utf8 else { return false }
        let wanted = "text/event-stream".utf8
        return type.count >= wanted.count && zip(type, wanted).allSatisfy { $0 | 0x20 == $1 | 0x20 }
    }

    // MARK: - Outcomes

    /// - Parameter patience: for memory that other answers hold.
    private func collect(
        _ source: any HTTPByteSource, _ response: ClientResponse, for caller: AnswerOwner, patience: Duration
    ) async -> CallOutcome {
        let limit = settings.answerLimit
        let announced = response.headers["content-length"].flatMap { Int($0) } ?? limit
        do throws(HTTPBodyError) {
            let share = budget.makeShare(for: caller)
            let read = announced <= limit ? try await read(source, announced, share, patience) : .tooLarge
            guard case .whole(let body, let share) = read else {
                source.cancel()
                return Self.outcome(of: read)
            }
            return Self.outcome(response, body, share)
        } catch {
            // A failure's status says enough without its body.
            if error == .undecodable, !response.status.isSuccess { return Self.outcome(response, []) }
            return error == .cancelled ? .abandoned(mayBeDelivered: true) : .answerLost(deliveryConfirmed: true)
        }
    }

    /// What reading an answer came to.
    private enum Reading {
        case whole([UInt8], AnswerShare)
        case tooLarge
        case noRoom
    }

    private static func outcome(of reading: Reading) -> CallOutcome {
        guard case .noRoom = reading else { return .answerLost(deliveryConfirmed: true) }
        return Task.isCancelled ? .abandoned(mayBeDelivered: true) : .noRoom
    }

    private func read(
        _ source: any HTTPByteSource, _ announced: Int, _ share: AnswerShare, _ patience: Duration
    ) async throws(HTTPBodyError) -> Reading {
        var body: [UInt8] = []
        while let chunk = try await source.next() {
            let length = body.count + chunk.count
            guard length <= settings.answerLimit else { return .tooLarge }
            if length > AnswerBudget.countedFrom {
                guard await share.grow(to: length, ofAtMost: announced, within: patience) else { return .noRoom }
            }
            body.append(contentsOf: chunk)
        }
        share.shrink(to: body.count)
        return .whole(body, share)
    }

    private static func outcome(_ response: ClientResponse) -> CallOutcome {
        var body: [UInt8] = []
        if case .bytes(let bytes) = response.body { body = bytes }
        return outcome(response, body)
    }

    private static func outcome(
        _ response: ClientResponse, _ body: [UInt8], _ share: AnswerShare? = nil
    ) -> CallOutcome {
        outcome(
            AgentAnswer(
                status: response.status, contentType: contentType(response.headers),
                protocolHeaders: ProtocolHeaders.find(in: response.headers), body: body, share: share),
            response.headers)
    }

    /// The usual type is a constant, which costs no allocation.
    private static func contentType(_ headers: HTTPHeaders) -> String? {
        headers.withValue(of: "content-type") { type in
            HTTPHeaders.equal(type, "application/json") ? "application/json" : String(decoding: type, as: UTF8.self)
        }
    }

    private static func outcome(_ answer: AgentAnswer, _ headers: HTTPHeaders) -> CallOutcome {
        switch answer.status.code {
        case 429: .busy(.tooManyRequests, retryAfter: RetryAfter.read(headers))
        case 503: .busy(.unavailable, retryAfter: RetryAfter.read(headers))
        default: .answered(answer)
        }
    }
}
