import HTTPCore

/// What a server must check beyond the grammar (RFC 9112, 3.2 and 6).
enum RequestValidation {
    /// - Returns: the answer to a request that is refused, after which the connection closes.
    static func refusal(of head: HTTPMessageHead, known: Set<HTTPMethod> = methods) -> Response? {
        if head.method == HTTPMethod("CONNECT") || !known.contains(head.method) {
            return .error(501, "method not implemented")
        }
        return refusalOfHost(head) ?? refusalOfTarget(head) ?? refusalOfFraming(head) ?? refusalOfExpectation(head)
    }

    /// Methods that routes may use; others are not worth parsing on.
    private static let methods: Set<HTTPMethod> = [
        .get, .head, .post, .put, .patch, .delete, .options,
    ]

    private static func refusalOfHost(_ head: HTTPMessageHead) -> Response? {
        var hosts = 0
        for (name, value) in head.headers where name.utf8.count == 4 && HTTPHeaders.equal(name, "host") {
            hosts += 1
            guard value.utf8.allSatisfy(isHostByte) else { return .error(.badRequest, "invalid Host") }
        }
        if hosts > 1 { return .error(.badRequest, "repeated Host") }
        if hosts == 0, head.minorVersion > 0 { return .error(.badRequest, "missing Host") }
        return nil
    }

    /// Letters, digits and what names, ports and IPv6 addresses need: no user information, no path.
    private static func isHostByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: ":"), UInt8(ascii: "["), UInt8(ascii: "]"),
            UInt8(ascii: "_"), UInt8(ascii: "%"), UInt8(ascii: "~"):
            true
        default: false
        }
    }

    private static func refusalOfTarget(_ head: HTTPMessageHead) -> Response? {
        if head.target == "*" { return head.method == .options ? nil : .error(.badRequest, "invalid target") }
        guard head.target.utf8.first == UInt8(ascii: "/") || RequestTarget.absolute(head.target) != nil,
            !head.target.utf8.contains(where: { $0 <= 0x20 || $0 >= 0x7F || $0 == UInt8(ascii: "#") }),
            !head.target.contains("%00")
        else { return .error(.badRequest, "invalid target") }
        return nil
    }

    private static func refusalOfFraming(_ head: HTTPMessageHead) -> Response? {
        guard head.isChunked || head.headers.contains("transfer-encoding") else { return nil }
        // An intermediary that speaks HTTP/1.0 may have passed the field on without understanding it.
        guard head.minorVersion > 0 else { return .error(.badRequest, "Transfer-Encoding in HTTP/1.0") }
        let codings = head.headers.values("transfer-encoding")
        guard codings.count == 1, codings[0].lowercased() == "chunked" else {
            return .error(501, "transfer coding not supported")
        }
        return nil
    }

    private static func refusalOfExpectation(_ head: HTTPMessageHead) -> Response? {
        guard let expectation = head.headers["expect"], head.minorVersion > 0 else { return nil }
        return expectation.lowercased() == "100-continue" ? nil : .error(417, "expectation not supported")
    }

    /// The answer to bytes that are no request.
    static func response(to error: HTTPParseError) -> Response {
        switch error.kind {
        case .malformed, .truncated: .error(.badRequest, "malformed request")
        case .targetTooLong: .error(414, "target too long")
        case .headTooLarge: .error(431, "header block too large")
        case .unsupportedVersion: .error(505, "HTTP version not supported")
        case .unknownMethod: .error(501, "method not implemented")
        }
    }
}
