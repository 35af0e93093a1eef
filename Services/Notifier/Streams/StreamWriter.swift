import EventLoop
import HTTPServer
import WebSocket

/// Where a viewer's events go.
protocol StreamWriter: Sendable {
    var format: StreamFormat { get }

    /// Sends events, in order, and waits while the client has too much to take already.
    ///
    /// - Throws: when the client is gone.
    func write(_ events: [EventBytes]) async throws

    /// Shows the client, and whatever stands between, that the stream is alive.
    func keepAlive() async throws
}

/// The body of a response of server-sent events.
struct ServerSentEventWriter: StreamWriter {
    private static let ping = Array(": ping\n\n".utf8)

    let writer: ResponseWriter
    let format = StreamFormat.serverSentEvents

    func write(_ events: [EventBytes]) async throws {
        guard events.count == 1, case .chunks(let chunks) = events[0].content else {
            return try await writer.write(events.flatMap(\.bytes))
        }
        for chunk in chunks { try await writer.write(chunk) }
    }

    func keepAlive() async throws {
        try await writer.write(Self.ping)
    }
}

/// A WebSocket. It pings by itself.
struct WebSocketEventWriter: StreamWriter {
    let connection: WebSocketConnection
    let format = StreamFormat.webSocket

    func write(_ events: [EventBytes]) async throws {
        guard events.count == 1, case .frames(let frames) = events[0].content else {
            return try await connection.write(events.flatMap(\.bytes))
        }
        for frame in frames { try await connection.write(frame) }
    }

    func keepAlive() async throws {}
}
