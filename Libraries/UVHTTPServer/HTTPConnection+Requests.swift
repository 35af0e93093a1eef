import Concurrency
import Foundation
import HTTPCore
import Observability
import UVLoop

/// From a request's bytes to its handler.
extension HTTPConnection: HTTPParserDelegate {
    func parser(_ parser: HTTPParser, received head: HTTPMessageHead) -> HTTPParser.BodyExpectation {
        beginExchange(head)
        if let refusal = RequestValidation.refusal(of: head, exchange.fields) {
            refuse(refusal)
        } else {
            route()
        }
        machine.headReceived(
            .init(
                isHEAD: exchange.head.method == .head, isHTTP10: head.minorVersion == 0, keepAlive: head.keepAlive,
                expectsContinue: exchange.expectsContinue, streamsBody: exchange.route?.options.streamsBody == true,
                contentLength: head.contentLength, maxBodyBytes: exchange.maxBodyBytes,
                hasResponse: exchange.response != nil, mustClose: exchange.isRefused))
        return .asFramed
    }

    func parser(_ parser: HTTPParser, receivedBody bytes: UnsafeBufferPointer<UInt8>) {
        switch machine.bodyReceived(bytes.count) {
        case .buffer: exchange.buffered.append(contentsOf: bytes)
        case .push:
            exchange.source?.push(bytes)
            if exchange.source?.isFull == true { perform(machine.pauseReading()) }
        case .discard: break
        case .refuseTooLarge:
            exchange.buffered = []
            refuse(APIError.bodyTooLarge(limit: exchange.maxBodyBytes).response)
        case .failTooLarge:
            exchange.source?.fail(.tooLarge(limit: exchange.maxBodyBytes))
            perform(machine.pauseReading())
        }
    }

    func parser(_ parser: HTTPParser, completedMessageWithKeepAlive keepAlive: Bool) {}

    // MARK: - Before the handler

    private func beginExchange(_ head: HTTPMessageHead) {
        exchange.head = head
        exchange.fields = RequestFields(head.headers)
        let context = RequestContext(requestID: requestID())
        context.traceparent = exchange.fields.traceparent
        context.startedAt = MonotonicClock.nanoseconds
        context.metrics = shared.unmatched
        exchange.context = context
    }

    /// Responds to what is no request, or not a whole one. No head may have been read.
    func refuseUnread(_ response: Response) {
        if exchange.context == nil { beginExchange(HTTPMessageHead()) }
        refuse(response)
        respond()
    }

    /// Sets the response to a request after which the connection closes.
    func refuse(_ response: Response) {
        exchange.response = response
        exchange.isRefused = true
        shared.metrics.refusals.labelled(String(response.status.code)).increment()
    }

    private func requestID() -> String {
        if let given = exchange.fields.requestID, Self.isValidRequestID(given) { return given }
        return server.makeRequestID()
    }

    /// Whether a client's id may be repeated in headers and logs.
    private static func isValidRequestID(_ id: String) -> Bool {
        let bytes = id.utf8
        return (1...128).contains(bytes.count)
            && bytes.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."),
                    UInt8(ascii: ":"), UInt8(ascii: "/"), UInt8(ascii: "="), UInt8(ascii: "+"):
                    true
                default: false
                }
            }
    }

    // MARK: - The handler

    func startHandler() {
        let body: HTTPBody = exchange.buffered.isEmpty ? .empty : .bytes(exchange.buffered)
        exchange.buffered = []
        start(body)
    }

    func startStreamedHandler() {
        let source = RequestBodySource(loop: loop, connection: self, initial: exchange.buffered)
        exchange.buffered = []
        exchange.source = source
        if source.isFull { perform(machine.pauseReading()) }
        start(.stream(source))
    }

    private func start(_ body: HTTPBody) {
        guard let route = exchange.route, let context = exchange.context else { return }
        var body = body
        // An error of reading the body: so the checks that come before that are made first.
        if exchange.fields.hasContentCoding, exchange.head.declaresBody { body = .stream(UndecodableBody()) }
        let request = Request(
            method: exchange.head.method, target: exchange.head.target, headers: exchange.head.headers, body: body,
            peer: stream.remoteAddress, loop: loop, parameters: exchange.parameters, context: context)
        let number = machine.requestNumber
        let connection = LoopBound(self, on: loop)
        // Runs here and now up to the first wait: a handler that has nothing to wait for is over when this returns.
        let started = Task.immediate(executorPreference: loop) {
            let response: Response
            do {
                response = try await route.handler(request)
            } catch {
                response = connection.value.response(to: error, request)
            }
            await connection.value.deliver(response, number, context)
        }
        if machine.isInProgress(number), !exchange.isDetached { task = started }
    }

    private func response(to error: any Error, _ request: Request) -> Response {
        let described = APIError(describing: error)
        // An unreachable store is reported by the owner of its connections, not once a request.
        if described.status.code >= 500, described.status != .serviceUnavailable {
            var metadata = request.context.metadata
            metadata[.method] = .string(request.method.rawValue)
            metadata[.status] = .int(described.status.code)
            metadata[.error] = .string(described.detail ?? described.message)
            shared.logger.error("request failed", metadata)
        }
        return described.response
    }
}
