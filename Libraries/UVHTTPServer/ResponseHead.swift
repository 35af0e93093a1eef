import ASCIIText
import HTTPCore

/// Everything about a response's head that the handler's `Response` does not contain.
struct ResponseHeadExtras {
    var requestID: String
    /// Rendered CORS fields, or none.
    var cors: [UInt8]?
    var rateLimit: (limit: Int, decision: RateLimiter.Decision)?
    var isSecure = false
    /// Another request may follow.
    var keepAlive = true
    var isHTTP10 = false
    var framing: Framing

    enum Framing {
        case length(Int)
        case chunked
        /// The body ends with the connection.
        case untilClose
        /// No body and no field about one: 1xx, 204, 304.
        case none
    }
}

/// Writes heads into a buffer.
enum ResponseHead {
    static func append(
        _ response: Response, _ extras: ResponseHeadExtras, date: [UInt8], to output: inout [UInt8]
    ) {
        appendStatusLine(response.status, to: &output)
        output.append(contentsOf: date)
        let hasPolicy = response.headers.contains("Content-Security-Policy")
        output.append(contentsOf: hasPolicy ? securityWithoutPolicy : security)
        if extras.isSecure { output.append(contentsOf: transportSecurity) }
        append("X-Request-Id: ", extras.requestID, to: &output)
        if let rateLimit = extras.rateLimit {
            append("X-RateLimit-Limit: ", rateLimit.limit, to: &output)
            append("X-RateLimit-Remaining: ", rateLimit.decision.remaining, to: &output)
            append("X-RateLimit-Reset: ", rateLimit.decision.reset, to: &output)
        }
        if let cors = extras.cors { output.append(contentsOf: cors) }
        response.headers.forEachField { name, value in
            if !isOurs(name) { appendField(name, value, to: &output) }
        }
        appendFraming(extras, to: &output)
        output.append(0x0D)
        output.append(0x0A)
    }

    private static func appendFraming(_ extras: ResponseHeadExtras, to output: inout [UInt8]) {
        switch extras.framing {
        case .length(let count): append("Content-Length: ", count, to: &output)
        case .chunked: append("Transfer-Encoding: chunked\r\n", to: &output)
        case .untilClose, .none: break
        }
        if !extras.keepAlive {
            append("Connection: close\r\n", to: &output)
        } else if extras.isHTTP10 {
            append("Connection: keep-alive\r\n", to: &output)
        }
    }

    /// The head that switches protocols: the response's own fields and no others but the id.
    static func appendSwitch(_ response: Response, requestID: String, to output: inout [UInt8]) {
        appendStatusLine(response.status, to: &output)
        append("X-Request-Id: ", requestID, to: &output)
        response.headers.forEachField { appendField($0, $1, to: &output) }
        append("\r\n", to: &output)
    }

    static let continueLine = Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)

    private static let statusLines: [[UInt8]] = (0..<600).map {
        Array("HTTP/1.1 \($0) \(HTTPStatus($0).phrase)\r\n".utf8)
    }

    private static func appendStatusLine(_ status: HTTPStatus, to output: inout [UInt8]) {
        let isKnown = (100..<600).contains(status.code)
        output.append(contentsOf: statusLines[isKnown ? status.code : 500])
    }

    private static let securityWithoutPolicy = Array(
        """
        X-Content-Type-Options: nosniff\r
        X-Frame-Options: DENY\r
        Referrer-Policy: no-referrer\r
        Permissions-Policy: camera=(), geolocation=(), microphone=()\r

        """.utf8)
    private static let security =
        securityWithoutPolicy + Array("Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n".utf8)
    private static let transportSecurity = Array(
        "Strict-Transport-Security: max-age=31536000; includeSubDomains\r\n".utf8)

    /// Framing and connection are the server's: a handler that passes another server's fields on must not break them.
    private static func isOurs(_ name: UnsafeBufferPointer<UInt8>) -> Bool {
        switch name.count {
        case 4: HTTPHeaders.equal(name, "Date")
        case 10: HTTPHeaders.equal(name, "Connection") || HTTPHeaders.equal(name, "Keep-Alive")
        case 12: HTTPHeaders.equal(name, "X-Request-Id")
        case 14: HTTPHeaders.equal(name, "Content-Length")
        case 17: HTTPHeaders.equal(name, "Transfer-Encoding")
        default: false
        }
    }

    private static func append(_ text: StaticString, to output: inout [UInt8]) {
        output.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    private static func append(_ name: StaticString, _ value: String, to output: inout [UInt8]) {
        append(name, to: &output)
        var value = value
        value.withUTF8 { appendValue($0, to: &output) }
    }

    private static func append(_ name: StaticString, _ value: Int, to output: inout [UInt8]) {
        append(name, to: &output)
        IntegerText.append(value, to: &output)
        output.append(0x0D)
        output.append(0x0A)
    }

    private static func appendField(
        _ name: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>, to output: inout [UInt8]
    ) {
        // A field name is a token; one that is not could only come from a mistake, and is left out.
        guard !name.isEmpty, name.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: ":") }) else { return }
        output.append(contentsOf: name)
        output.append(UInt8(ascii: ":"))
        output.append(0x20)
        appendValue(value, to: &output)
    }

    /// Control characters become spaces, so that no value can end its line.
    private static func appendValue(_ value: UnsafeBufferPointer<UInt8>, to output: inout [UInt8]) {
        let start = output.count
        output.append(contentsOf: value)
        for index in start..<output.count where output[index] < 0x20 || output[index] == 0x7F { output[index] = 0x20 }
        output.append(0x0D)
        output.append(0x0A)
    }

    /// The size line before a chunk.
    static func appendChunkSize(_ count: Int, to output: inout [UInt8]) {
        output.append(contentsOf: String(count, radix: 16).utf8)
        output.append(0x0D)
        output.append(0x0A)
    }
}
