import HTTPCore
import JSONBytes

/// An error that a client may see. Handlers throw it; the server responds with its JSON.
package struct APIError: Error, Sendable {
    package var status: HTTPStatus
    /// Short and safe: no SQL, no host names, no secrets. Clients match some of them literally.
    package var message: String
    package var code: String?
    /// The part of the request that is wrong.
    package var field: String?
    /// What is wrong with it.
    package var reason: String?
    /// Seconds; also sent as `Retry-After`.
    package var retryAfter: Int?
    /// Further members, in order.
    package var members: [(name: String, value: Member)]
    package var headers: HTTPHeaders
    /// For the log alone.
    package var detail: String?

    package enum Member: Sendable {
        case string(String)
        case int(Int)
        case bool(Bool)
        case null
    }

    package init(
        _ status: HTTPStatus, _ message: String, code: String? = nil, field: String? = nil, reason: String? = nil,
        retryAfter: Int? = nil, members: [(name: String, value: Member)] = [], headers: HTTPHeaders = HTTPHeaders(),
        detail: String? = nil
    ) {
        self.status = status
        self.message = message
        self.code = code
        self.field = field
        self.reason = reason
        self.retryAfter = retryAfter
        self.members = members
        self.headers = headers
        self.detail = detail
    }

    /// A body that does not fit the route.
    package static func invalidBody(field: String? = nil, reason: String? = nil) -> APIError {
        APIError(.badRequest, "invalid request body", field: field, reason: reason)
    }

    /// Postgres cannot be reached.
    package static let platformUnavailable = APIError(
        .serviceUnavailable, "platform datastore unavailable — retry shortly", code: "platform_unavailable",
        headers: HTTPHeaders([("Retry-After", "5")]))

    /// - Parameter limit: bytes that the route takes.
    package static func bodyTooLarge(limit: Int) -> APIError {
        APIError(.payloadTooLarge, "request body too large", members: [("limit", .int(limit))])
    }

    static let internalError = APIError(.internalServerError, "internal error")

    /// The response: `{"error": ..., "code": ..., ...}`.
    package var response: Response {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("error", message)
            writer.member("code", ifPresent: code)
            writer.member("field", ifPresent: field)
            writer.member("reason", ifPresent: reason)
            writer.member("retry_after", ifPresent: retryAfter)
            for (name, value) in members {
                switch value {
                case .string(let text): writer.member(name, text)
                case .int(let number): writer.member(name, number)
                case .bool(let flag): writer.member(name, flag)
                case .null: writer.member(name, orNull: String?.none)
                }
            }
        }
        var response = Response.json(status, bytes: writer.bytes)
        for (name, value) in headers { response.headers.add(name, value) }
        if status == .unauthorized, !headers.contains("WWW-Authenticate") {
            response.headers.add("WWW-Authenticate", #"Bearer realm="switchyard""#)
        }
        if let retryAfter, !headers.contains("Retry-After") { response.headers.add("Retry-After", String(retryAfter)) }
        return response
    }
}

/// An error of another domain that knows which response a client should get.
package protocol APIErrorConvertible: Error {
    var apiError: APIError { get }
}

extension APIError {
    /// What a client may see of any error. An unknown one is an internal error: its text is for the log.
    package init(describing error: any Error) {
        switch error {
        case let error as APIError: self = error
        case let error as any APIErrorConvertible: self = error.apiError
        case let error as HTTPBodyError: self = Self.of(error)
        default:
            self = .internalError
            detail = String(describing: error)
        }
    }

    private static func of(_ error: HTTPBodyError) -> APIError {
        switch error {
        case .tooLarge(let limit): .bodyTooLarge(limit: limit)
        case .timedOut: APIError(408, "request body timed out")
        case .truncated, .cancelled: APIError(.badRequest, "request body incomplete")
        // With what would be taken (RFC 9110, 15.5.16).
        case .undecodable:
            APIError(
                .unsupportedMediaType, "request bodies are taken without a content coding", field: "Content-Encoding",
                headers: ["Accept-Encoding": "identity"])
        }
    }
}
