import Foundation
import HTTPCore
import JSONBytes
import UVLoop

/// What a handler returns.
package struct Response: Sendable {
    package var status: HTTPStatus
    /// Fields beside those that the server adds: `Content-Length`, `Date`, `X-Request-Id`, security, CORS, rate limit.
    package var headers: HTTPHeaders
    package var body: ResponseBody
    /// Kept until a body of bytes has gone to the system, or its client is gone: what accounts for the memory.
    package var retained: (any Sendable)?
    /// Another program's response, passed on: its status and body are that program's, not this service's.
    package var isForwarded = false

    package init(_ status: HTTPStatus, headers: HTTPHeaders = HTTPHeaders(), body: ResponseBody = .empty) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// JSON that is encoded already.
    package static func json(_ status: HTTPStatus = .ok, bytes: [UInt8]) -> Response {
        Response(status, headers: jsonHeaders, body: .bytes(bytes))
    }

    /// JSON of a value: compact, slashes unescaped, dates as RFC 3339 in UTC with fractional seconds.
    package static func json(_ status: HTTPStatus, _ value: some Encodable) throws -> Response {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .withoutEscapingSlashes
        encoder.dateEncodingStrategy = .custom { date, encoder in
            var container = encoder.singleValueContainer()
            try container.encode(
                date.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true, timeZone: .gmt)))
        }
        return json(status, bytes: Array(try encoder.encode(value)))
    }

    /// JSON of an object written member by member.
    package static func json(
        _ status: HTTPStatus = .ok, object members: (inout JSONWriter) throws -> Void
    ) rethrows -> Response {
        var writer = JSONWriter()
        try writer.object(members)
        return json(status, bytes: writer.bytes)
    }

    /// 200 with the JSON of a value.
    package static func json(_ value: some Encodable) throws -> Response { try json(.ok, value) }

    /// `{"error": message}`.
    package static func error(_ status: HTTPStatus, _ message: String) -> Response {
        APIError(status, message).response
    }

    /// A body that is written while the client reads it.
    ///
    /// - Parameter produce: writes the body. It is cancelled when the client goes away; its end is the body's end, and
    ///   an error it throws breaks the connection off so that the client sees the body is not complete.
    package static func stream(
        _ status: HTTPStatus = .ok, contentType: String,
        _ produce: @escaping @Sendable (ResponseWriter) async throws -> Void
    ) -> Response {
        Response(status, headers: HTTPHeaders([("Content-Type", contentType)]), body: .stream(produce))
    }

    /// The same of a length that is known beforehand, which is sent as `Content-Length`.
    package static func stream(
        _ status: HTTPStatus = .ok, headers: HTTPHeaders, length: Int,
        _ produce: @escaping @Sendable (ResponseWriter) async throws -> Void
    ) -> Response {
        Response(status, headers: headers, body: .sizedStream(length: length, produce))
    }

    static let jsonHeaders = HTTPHeaders([("Content-Type", "application/json")])
}

package enum ResponseBody: Sendable {
    case empty
    case bytes([UInt8])
    /// Written in chunks, or up to the connection's end for an HTTP/1.0 client.
    case stream(@Sendable (ResponseWriter) async throws -> Void)
    /// The same with a `Content-Length`. A body that turns out shorter or longer breaks the connection off.
    case sizedStream(length: Int, @Sendable (ResponseWriter) async throws -> Void)
    /// Written with `send` from elsewhere, until `finish` is called: the callee gets the writer, on its loop, and no task
    /// waits meanwhile.
    case detached(@Sendable (ResponseWriter) -> Void)
    /// After the head (status 101 and the `Upgrade` fields of the response) the connection is the callee's: it gets the
    /// stream, on its loop, and the bytes that the client sent ahead. It must set the stream's callbacks and start reading.
    case upgrade(@Sendable (TCPStream, [UInt8]) -> Void)
}
