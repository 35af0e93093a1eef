import Contracts
import Foundation
import HTTPCore
import Observability
import UVHTTPClient

/// Calls agents: one POST, with the timeouts of the contract, and an outcome in the platform's terms.
package final class AgentClient: Sendable {
    /// The options of one call.
    package struct Options: Sendable {
        /// For the whole call; nil for none.
        package var ceiling: Duration?
        /// Whether the caller set the ceiling: reaching it then says nothing about the target's capacity.
        package var hasCallersCeiling = false
        package var traceparent: String?
        /// The header fields of the A2A protocol that came with the message.
        package var protocolHeaders: HTTPHeaders?
        /// The number of this delivery, when an earlier one may have arrived.
        package var deliveryAttempt: Int?
        /// Whether a stream of events is returned instead of collected.
        package var passesStreams = false
        /// Whether the call is cancelled with its task; otherwise it ends with its response or its timeouts.
        package var endsWithTask = true
        /// The owner of the response, whose part of the memory budget it takes.
        package var responseOwner = ReservationOwner.queue

        package init(ceiling: Duration? = nil) {
            self.ceiling = ceiling
        }
    }

    package enum Result: Sendable {
        case ended(CallOutcome)
        case streams(ClientResponse)
    }

    /// Provisioned addresses have an address policy of their own, and connections that are never shared with others.
    package static let provisionedClass = 1

    private let client: HTTPClient
    private let liveness: LivenessReader
    private let settings: A2AProxySettings
    private let budget: ResponseMemoryBudget
    private let metrics: ProxyMetrics

    package init(
        client: HTTPClient, liveness: LivenessReader, settings: A2AProxySettings, budget: ResponseMemoryBudget,
        metrics: ProxyMetrics
    ) {
        self.client = client
        self.liveness = liveness
        self.settings = settings
        self.budget = budget
        self.metrics = metrics
    }

    /// Sends a message to a target's agent.
    ///
    /// - Parameters:
    ///   - endpoint: the workspace whose address is called: the target itself, or the one that it forwards to.
    package func call(_ endpoint: Target, url: ClientURL, message: [UInt8], _ options: Options) async -> Result {
        do throws(HTTPClientError) {
            let response = try await client.send(request(to: endpoint, url, message, options))
            if case .stream(let source) = response.body {
                let passes = options.passesStreams && response.status.isSuccess && Self.isEventStream(response.headers)
                if passes { return .streams(response) }
                let timeout = endpoint.idleTimeout ?? settings.idleTimeout
                return .ended(await collect(source, response, for: options.responseOwner, timeout: timeout))
            }
            return .ended(Self.outcome(response))
        } catch {
            return .ended(CallOutcome(error))
        }
    }

    private func request(
        to endpoint: Target, _ url: ClientURL, _ message: [UInt8], _ options: Options
    ) -> ClientRequest {
        // A message that came from a proxy carries its hop count already.
        let isCounted = options.protocolHeaders?.contains(Hops.header) == true
        var headers = isCounted ? Self.baseHeaders : Self.firstHopHeaders
        if let traceparent = options.traceparent { headers.add("traceparent", traceparent) }
        options.protocolHeaders?.forEachField { headers.add(name: $0, value: $1) }
        if let attempt = options.deliveryAttempt { headers.add(Self.attemptHeader, String(attempt)) }
        var request = ClientRequest(.post, url, headers: headers, body: .bytes(message))
        request.retryHeaders =
            options.deliveryAttempt.map { [Self.attemptHeader: String($0 + 1)] } ?? Self.secondAttempt
        // A retry is marked by `X-Delivery-Attempt`.
        request.retriesStaleConnection = true
        request.connectTimeout = settings.connectTimeout
        request.totalTimeout = options.ceiling
        request.policyClass = endpoint.isProvisioned ? Self.provisionedClass : 0
        let idle = endpoint.idleTimeout ?? settings.idleTimeout
        let extensions = IdleExtensionLimit()
        request.idleTimeout = IdleTimeout(idle) { [self, endpoint] in await timeLeft(of: endpoint, idle, extensions) }
        request.collection = Self.collection
        request.endsWithTask = options.endsWithTask
        return request
    }

    /// What is left of the idle timeout after activity that was recorded elsewhere; nil when there was none. While
    /// liveness cannot be read, the call is extended up to a limit: the outage is the platform's, and the agent may be
    /// working.
    private func timeLeft(of endpoint: Target, _ idle: Duration, _ extensions: IdleExtensionLimit) async -> Duration? {
        var left: Duration?
        do {
            let silence = try await liveness.silence(of: endpoint.id, below: idle)
            if let silence, silence < idle { left = idle - silence }
            extensions.end()
        } catch {
            left = extensions.next()
        }
        (left == nil ? metrics.idleTimeouts : metrics.idleResets).increment()
        return left
    }

    private static let attemptHeader = "X-Delivery-Attempt"
    /// The agent may have crashed on a message that was sent on a reused connection: the retry is marked.
    private static let secondAttempt: HTTPHeaders = [attemptHeader: "2"]
    private static let baseHeaders = HTTPHeaders([
        ("Content-Type", "application/json"), ("Accept", "application/json, text/event-stream"),
    ])
    private static let firstHopHeaders = HTTPHeaders(Array(baseHeaders) + [(Hops.header, "1")])

    /// Small responses are collected by the client; large ones and those of unknown length are read chunk by chunk,
    /// against the budget. The length of an encoded one is known only when it is decoded.
    private static let collection = ResponseCollection(upTo: ResponseMemoryBudget.accountingThreshold) { _, headers in
        if headers.contains("content-encoding") { return true }
        guard let length = headers["content-length"].flatMap({ Int($0) }) else { return true }
        return length > ResponseMemoryBudget.accountingThreshold
    }

    static func isEventStream(_ headers: HTTPHeaders) -> Bool {
        guard let type = headers["content-type"]?.utf8 else { return false }
        let wanted = "text/event-stream".utf8
        return type.count >= wanted.count && zip(type, wanted).allSatisfy { $0 | 0x20 == $1 | 0x20 }
    }

    // MARK: - Outcomes

    /// - Parameter timeout: for memory that other responses hold.
    private func collect(
        _ source: any HTTPByteSource, _ response: ClientResponse, for owner: ReservationOwner, timeout: Duration
    ) async -> CallOutcome {
        let limit = settings.responseLimit
        let announced = response.headers["content-length"].flatMap { Int($0) } ?? limit
        do throws(HTTPBodyError) {
            let reservation = budget.makeReservation(for: owner)
            let read = announced <= limit ? try await read(source, announced, reservation, timeout) : .tooLarge
            guard case .whole(let body, let reservation) = read else {
                source.cancel()
                return Self.outcome(of: read)
            }
            return Self.outcome(response, body, reservation)
        } catch {
            // The status of a failure suffices without its body.
            if error == .undecodable, !response.status.isSuccess { return Self.outcome(response, []) }
            return error == .cancelled ? .abandoned(mayBeDelivered: true) : .responseLost(deliveryConfirmed: true)
        }
    }

    /// The result of reading a response.
    private enum ReadResult {
        case whole([UInt8], MemoryReservation)
        case tooLarge
        case memoryExhausted
    }

    private static func outcome(of read: ReadResult) -> CallOutcome {
        guard case .memoryExhausted = read else { return .responseLost(deliveryConfirmed: true) }
        return Task.isCancelled ? .abandoned(mayBeDelivered: true) : .memoryExhausted
    }

    private func read(
        _ source: any HTTPByteSource, _ announced: Int, _ reservation: MemoryReservation, _ timeout: Duration
    ) async throws(HTTPBodyError) -> ReadResult {
        var body: [UInt8] = []
        while let chunk = try await source.next() {
            let length = body.count + chunk.count
            guard length <= settings.responseLimit else { return .tooLarge }
            if length > ResponseMemoryBudget.accountingThreshold {
                guard await reservation.grow(to: length, ofAtMost: announced, within: timeout) else {
                    return .memoryExhausted
                }
            }
            body.append(contentsOf: chunk)
        }
        reservation.shrink(to: body.count)
        return .whole(body, reservation)
    }

    private static func outcome(_ response: ClientResponse) -> CallOutcome {
        var body: [UInt8] = []
        if case .bytes(let bytes) = response.body { body = bytes }
        return outcome(response, body)
    }

    private static func outcome(
        _ response: ClientResponse, _ body: [UInt8], _ reservation: MemoryReservation? = nil
    ) -> CallOutcome {
        outcome(
            AgentResponse(
                status: response.status, contentType: contentType(response.headers),
                protocolHeaders: ProtocolHeaders.find(in: response.headers), body: body, reservation: reservation),
            response.headers)
    }

    /// The usual type is a constant, which costs no allocation.
    private static func contentType(_ headers: HTTPHeaders) -> String? {
        headers.withValue(of: "content-type") { type in
            HTTPHeaders.equal(type, "application/json") ? "application/json" : String(decoding: type, as: UTF8.self)
        }
    }

    private static func outcome(_ response: AgentResponse, _ headers: HTTPHeaders) -> CallOutcome {
        switch response.status.code {
        case 429: .busy(.tooManyRequests, retryAfter: RetryAfter.read(headers))
        case 503: .busy(.unavailable, retryAfter: RetryAfter.read(headers))
        default: .responded(response)
        }
    }
}
