import Concurrency
import Foundation
import HTTPCore
import Observability
import UVLoop

/// From a head to its handler.
extension HTTPConnection: HTTPParserDelegate {
    func parser(_ parser: HTTPParser, received head: HTTPMessageHead) -> HTTPParser.BodyExpectation {
        beginExchange(head)
        if let refusal = RequestValidation.refusal(of: head, exchange.fields) {
            refuse(refusal)
        } else {
            route()
        }
        return .asFramed
    }

    func parser(_ parser: HTTPParser, receivedBody bytes: UnsafeBufferPointer<UInt8>) {
        guard hasExchange else { return }
        if phase == .skipping {
            skippedBytes += bytes.count
            return
        }
        guard exchange.answer == nil else { return }
        exchange.bodyBytes += bytes.count
        if exchange.bodyBytes > exchange.maxBodyBytes { return bodyTooLarge() }
        guard let source = exchange.source else { return exchange.buffered.append(contentsOf: bytes) }
        source.push(bytes)
        if source.isFull { stopReading() }
    }

    func parser(_ parser: HTTPParser, completedMessageWithKeepAlive keepAlive: Bool) {}

    private func bodyTooLarge() {
        exchange.mustClose = true
        if let source = exchange.source {
            source.fail(.tooLarge(limit: exchange.maxBodyBytes))
            stopReading()
        } else {
            exchange.buffered = []
            refuse(APIError.bodyTooLarge(limit: exchange.maxBodyBytes).response)
        }
    }

    // MARK: - Before the handler

    private func beginExchange(_ head: HTTPMessageHead) {
        exchangeNumber &+= 1
        hasExchange = true
        exchange.head = head
        exchange.fields = RequestFields(head.headers)
        keepAlive = head.keepAlive && !server.isDraining
        skippedBytes = 0
        let context = RequestContext(requestID: requestID())
        context.traceparent = exchange.fields.traceparent
        context.startedAt = MonotonicClock.nanoseconds
        context.metrics = shared.unmatched
        exchange.context = context
    }

    /// A refusal before any head was read.
    func beginRefusal(_ response: Response) {
        if !hasExchange { beginExchange(HTTPMessageHead()) }
        refuse(response)
    }

    private func refuse(_ response: Response) {
        exchange.answer = response
        exchange.mustClose = true
        shared.metrics.refusals.labelled(String(response.status.code)).increment()
    }

    private func requestID() -> String {
        if let given = exchange.fields.requestID, Self.isSane(given) { return given }
        return server.makeRequestID()
    }

    /// What we are ready to repeat in headers and logs.
    private static func isSane(_ id: String) -> Bool {
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

    private func route() {
        if exchange.head.target.utf8.first != UInt8(ascii: "/"),
            let absolute = RequestTarget.absolute(exchange.head.target)
        {
            exchange.head.target = absolute.target
            exchange.head.headers["Host"] = absolute.authority
        }
        exchange.maxBodyBytes = shared.configuration.maxBodyBytes
        exchange.expectsContinue = exchange.head.declaresBody && exchange.fields.expect != nil
        identifyClient()
        if let origin = exchange.fields.origin, let answer = shared.cors.preflight(exchange.head, origin: origin) {
            exchange.answer = shared.admission?(exchange.head) ?? answer
            return
        }
        let match = shared.routes.match(exchange.head.method, exchange.head.target)
        if case .route(let route, let parameters) = match {
            exchange.route = route
            exchange.parameters = parameters
            exchange.maxBodyBytes = route.maxBodyBytes
            exchange.context?.route = route.template
            exchange.context?.options = route.options
            exchange.context?.metrics = route.metrics
        }
        if takeFromBucket() { exchange.answer = shared.admission?(exchange.head) ?? unroutedAnswer(match) }
        if exchange.answer == nil, let length = exchange.head.contentLength, length > UInt64(exchange.maxBodyBytes) {
            refuse(APIError.bodyTooLarge(limit: exchange.maxBodyBytes).response)
        }
    }

    private func unroutedAnswer(_ match: RouteTable.Match) -> Response? {
        let isOptions = exchange.head.method == .options
        switch match {
        case .route: return nil
        case .none:
            return exchange.head.target == "*" ? Response(.noContent) : .error(.notFound, "not found")
        case .otherMethods(let allow):
            var response = isOptions ? Response(.noContent) : .error(.methodNotAllowed, "method not allowed")
            response.headers.add("Allow", allow)
            return response
        }
    }

    private func identifyClient() {
        guard let context = exchange.context, let peer = stream.remoteAddress else { return }
        guard shared.proxies.contains(peer.addressBytes) else {
            clientAddress = peer.addressBytes
            context.clientIP = peerIP
            return
        }
        let client = shared.proxies.client(
            behind: peer.addressBytes, forwardedFor: exchange.fields.forwardedFor)
        clientAddress = (client ?? peer).addressBytes
        context.clientIP = client?.ip ?? peerIP
        context.isSecure = exchange.fields.forwardedProto?.lowercased() == "https"
    }

    /// - Returns: false when the client has used up its requests; the answer is set then.
    private func takeFromBucket() -> Bool {
        guard let limiter = shared.limiter, let context = exchange.context else { return true }
        let kind = exchange.route?.options.rateLimit ?? .standard
        let now = loop.nowMilliseconds
        let key = rateLimitKey(of: kind)
        guard kind != .exempt else {
            context.rateLimit = limiter.peek(key, now: now)
            return true
        }
        let (decision, isForToken) = limiter.take(key, now: now)
        context.rateLimit = decision
        guard decision.isAllowed else {
            exchange.answer =
                APIError(.tooManyRequests, "rate limit exceeded", retryAfter: decision.reset).response
            return false
        }
        if isForToken { context.unverified = (limiter, key, now) }
        return true
    }

    /// Where there is no other credential, the console's session is the token.
    private func rateLimitKey(of kind: RateLimitClass) -> RateLimiter.Key {
        let headers = exchange.head.headers
        let isSecure = exchange.context?.isSecure ?? false
        return headers.withValue(of: "authorization") { value in
            RateLimiter.Key(address: clientAddress, token: BearerToken.bytes(in: value), of: kind)
        } ?? headers.withValue(of: "cookie") { value in
            RateLimiter.Key(address: clientAddress, token: SessionCookie.bytes(in: value, isSecure: isSecure), of: kind)
        } ?? RateLimiter.Key(address: clientAddress)
    }

    // MARK: - The handler

    func dispatchStreaming() {
        let source = RequestBodySource(loop: loop, connection: self, initial: exchange.buffered)
        exchange.buffered = []
        exchange.source = source
        if source.isFull { stopReading() }
        dispatch(.stream(source))
        bodyProgressed()
    }

    /// The body's reader waits: lets the client send.
    func bodyWanted() {
        guard hasExchange, exchange.isDispatched, !exchange.isComplete, phase != .closed else { return }
        if exchange.expectsContinue {
            exchange.expectsContinue = false
            output.append(contentsOf: ResponseHead.continueLine)
            flush()
        }
        if isReadingStopped {
            resumeReading()
            restartBodyDeadline()
        }
    }

    func dispatch(_ body: HTTPBody) {
        guard let route = exchange.route, let context = exchange.context else { return }
        var body = body
        // Told to whoever reads the body, and so after the checks that come before it.
        if exchange.fields.hasContentCoding, exchange.head.declaresBody { body = .stream(UndecodableBody()) }
        exchange.buffered = []
        exchange.isDispatched = true
        phase = .handling
        let request = Request(
            method: exchange.head.method, target: exchange.head.target, headers: exchange.head.headers, body: body,
            peer: stream.remoteAddress, loop: loop, parameters: exchange.parameters, context: context)
        let number = exchangeNumber
        // Runs here and now up to the first wait: a handler that has nothing to wait for is over when this returns.
        let started = Task.immediate(executorPreference: loop) { [self] in
            let response: Response
            do {
                response = try await route.handler(request)
            } catch {
                response = answer(to: error, request)
            }
            await deliver(response, number, context)
        }
        if isCurrent(number), !exchange.isDetached { task = started }
    }

    private func answer(to error: any Error, _ request: Request) -> Response {
        let described = APIError(describing: error)
        // That a store is away is reported by who keeps its connections, not once a request.
        if described.status.code >= 500, described.status != .serviceUnavailable {
            var metadata = request.context.metadata
            metadata[.method] = .string(request.method.rawValue)
            metadata[.status] = .int(described.status.code)
            metadata[.error] = .string(described.detail ?? described.sentence)
            shared.logger.error("request failed", metadata)
        }
        return described.response
    }
}
