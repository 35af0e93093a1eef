import HTTPCore

/// What a server must check beyond the grammar (RFC 9112, 3.2 and 6).
enum RequestValidation {
    /// - Returns: the response to a request that is refused, after which the connection closes.
    static func refusal(of head: HTTPMessageHead, _ fields: RequestFields) -> Response? {
        guard methods.contains(head.method) else { return .error(501, "method not implemented") }
        return refusalOfHost(head, fields) ?? refusalOfTarget(head) ?? refusalOfFraming(head, fields)
            ?? refusalOfExpectation(head, fields)
    }

    /// Methods that routes may use; others are not worth parsing on.
    private static let methods: [HTTPMethod] = [
        .get, .head, .post, .put, .patch, .delete, .options,
    ]

    private static func refusalOfHost(_ head: HTTPMessageHead, _ fields: RequestFields) -> Response? {
        if fields.hostCount > 1 { return .error(.badRequest, "repeated Host") }
        if fields.hostCount == 0 { return head.minorVersion > 0 ? .error(.badRequest, "missing Host") : nil }
        return fields.isHostValid ? nil : .error(.badRequest, "invalid Host")
    }

    /// Letters, digits and what names, ports and IPv6 addresses need: no user information, no path.
    static func isHostByte(_ byte: UInt8) -> Bool {
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
        let isOrigin = head.target.utf8.first == UInt8(ascii: "/")
        let authority = isOrigin ? nil : RequestTarget.absolute(head.target)?.authority
        guard isOrigin || authority?.utf8.allSatisfy(isHostByte) == true, isTarget(head.target) else {
            return .error(.badRequest, "invalid target")
        }
        return nil
    }

    /// Visible ASCII without a fragment, and no encoded NUL, which no store could keep.
    private static func isTarget(_ target: String) -> Bool {
        var target = target
        return target.withUTF8 { bytes in
            for (index, byte) in bytes.enumerated() {
                if byte <= 0x20 || byte >= 0x7F || byte == UInt8(ascii: "#") { return false }
                guard byte == UInt8(ascii: "%"), index + 2 < bytes.count else { continue }
                if bytes[index + 1] == UInt8(ascii: "0"), bytes[index + 2] == UInt8(ascii: "0") { return false }
            }
            return true
        }
    }

    private static func refusalOfFraming(_ head: HTTPMessageHead, _ fields: RequestFields) -> Response? {
        guard head.isChunked || fields.transferCodingCount > 0 else { return nil }
        // An intermediary that speaks HTTP/1.0 may have passed the field on without understanding it.
        guard head.minorVersion > 0 else { return .error(.badRequest, "Transfer-Encoding in HTTP/1.0") }
        guard fields.transferCodingCount == 1, fields.transferCoding?.lowercased() == "chunked" else {
            return .error(501, "transfer coding not supported")
        }
        return nil
    }

    private static func refusalOfExpectation(_ head: HTTPMessageHead, _ fields: RequestFields) -> Response? {
        guard let expectation = fields.expect, head.minorVersion > 0 else { return nil }
        return expectation.lowercased() == "100-continue" ? nil : .error(417, "expectation not supported")
    }

    /// The response to bytes that are no request.
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
