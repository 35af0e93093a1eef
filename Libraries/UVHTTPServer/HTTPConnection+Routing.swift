import HTTPCore
import UVLoop

/// From a request's head to its route, by way of the checks that need nothing but the head.
extension HTTPConnection {
    /// Finds the route of the request in `exchange`, or the response that it gets without a handler.
    func route() {
        if exchange.head.target.utf8.first != UInt8(ascii: "/"),
            let absolute = RequestTarget.absolute(exchange.head.target)
        {
            exchange.head.target = absolute.target
            exchange.head.headers["Host"] = absolute.authority
        }
        exchange.maxBodyBytes = shared.configuration.maxBodyBytes
        // A client of HTTP/1.0 would take an interim response for its response.
        exchange.expectsContinue =
            exchange.head.minorVersion > 0 && exchange.head.declaresBody && exchange.fields.expect != nil
        identifyClient()
        if let origin = exchange.fields.origin, let response = shared.cors.preflight(exchange.head, origin: origin) {
            exchange.response = shared.admission?(exchange.head) ?? response
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
        if takeFromBucket() { exchange.response = shared.admission?(exchange.head) ?? unroutedResponse(match) }
        if exchange.response == nil, let length = exchange.head.contentLength, length > UInt64(exchange.maxBodyBytes) {
            refuse(APIError.bodyTooLarge(limit: exchange.maxBodyBytes).response)
        }
    }

    private func unroutedResponse(_ match: RouteTable.Match) -> Response? {
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

    /// - Returns: false when the client has used up its requests; the response is set then.
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
            exchange.response =
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
}
