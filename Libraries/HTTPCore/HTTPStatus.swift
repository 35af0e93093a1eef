/// A status code with its standard phrase.
package struct HTTPStatus: Sendable, Hashable, ExpressibleByIntegerLiteral {
    package let code: Int

    package init(_ code: Int) {
        self.code = code
    }

    package init(integerLiteral value: Int) {
        code = value
    }

    package var isSuccess: Bool { code >= 200 && code < 300 }

    /// The phrase of RFC 9110 and of the registry of status codes; "Unknown" for others.
    package var phrase: String {
        Self.phrases[code] ?? "Unknown"
    }

    package static let switchingProtocols: HTTPStatus = 101
    package static let ok: HTTPStatus = 200
    package static let created: HTTPStatus = 201
    package static let accepted: HTTPStatus = 202
    package static let noContent: HTTPStatus = 204
    package static let badRequest: HTTPStatus = 400
    package static let unauthorized: HTTPStatus = 401
    package static let paymentRequired: HTTPStatus = 402
    package static let forbidden: HTTPStatus = 403
    package static let notFound: HTTPStatus = 404
    package static let methodNotAllowed: HTTPStatus = 405
    package static let conflict: HTTPStatus = 409
    package static let gone: HTTPStatus = 410
    package static let payloadTooLarge: HTTPStatus = 413
    package static let unsupportedMediaType: HTTPStatus = 415
    package static let upgradeRequired: HTTPStatus = 426
    package static let tooManyRequests: HTTPStatus = 429
    package static let internalServerError: HTTPStatus = 500
    package static let badGateway: HTTPStatus = 502
    package static let serviceUnavailable: HTTPStatus = 503
    package static let loopDetected: HTTPStatus = 508

    private static let phrases: [Int: String] = [
        100: "Continue", 101: "Switching Protocols", 200: "OK", 201: "Created", 202: "Accepted", 204: "No Content",
        206: "Partial Content", 300: "Multiple Choices", 301: "Moved Permanently", 302: "Found", 303: "See Other",
        304: "Not Modified", 307: "Temporary Redirect", 308: "Permanent Redirect", 400: "Bad Request",
        401: "Unauthorized", 402: "Payment Required", 403: "Forbidden", 404: "Not Found",
        405: "Method Not Allowed", 406: "Not Acceptable", 408: "Request Timeout", 409: "Conflict", 410: "Gone",
        411: "Length Required", 412: "Precondition Failed", 413: "Content Too Large", 414: "URI Too Long",
        415: "Unsupported Media Type", 417: "Expectation Failed", 421: "Misdirected Request",
        422: "Unprocessable Content", 425: "Too Early", 426: "Upgrade Required", 428: "Precondition Required",
        429: "Too Many Requests", 431: "Request Header Fields Too Large", 451: "Unavailable For Legal Reasons",
        500: "Internal Server Error", 501: "Not Implemented", 502: "Bad Gateway", 503: "Service Unavailable",
        504: "Gateway Timeout", 505: "HTTP Version Not Supported", 507: "Insufficient Storage",
        508: "Loop Detected",
    ]
}
