import UVHTTPServer
import UVLoop
import WebSocket

/// A client read nothing for too long while the memory budget was exceeded.
struct ClientTooSlow: Error {}

/// The output of a viewer's events.
protocol StreamWriter: Sendable {
    var format: StreamFormat { get }

    /// Sends events, in order, and waits while the client's buffer is full.
    ///
    /// - Throws: when the client has disconnected.
    func write(_ events: [EventBytes]) async throws

    /// Bytes that have not been written to the socket yet. Loop thread only.
    var pendingBytes: Int { get }

    /// Bytes that the client's system has acknowledged: increases while the client reads. Loop thread only.
    var takenBytes: Int { get }

    /// Sends a chunk of an event without waiting. Loop thread only.
    func send(_ event: EventBytes, piece: Int)

    /// Sends a keep-alive for the client and proxies. Loop thread only.
    func keepAlive()

    /// Notifies a viewer from now on when the output is drained, when the client disconnects, and when the server
    /// stops. Loop thread only.
    func report(to viewer: Viewer)

    /// Ends the stream. Loop thread only.
    ///
    /// - Parameter error: why it is incomplete, if it is.
    func finish(_ error: (any Error)?)
}

/// The body of a response of server-sent events.
struct ServerSentEventWriter: StreamWriter {
    private static let ping = FramedChunk(Array(": ping\n\n".utf8))

    let writer: ResponseWriter
    let format = StreamFormat.serverSentEvents

    func write(_ events: [EventBytes]) async throws {
        guard events.count == 1, case .chunks(let chunks) = events[0].content else {
            return try await writer.write(events.flatMap(\.bytes))
        }
        for chunk in chunks { try await writer.write(chunk) }
    }

    var pendingBytes: Int { writer.pendingBytes }
    var takenBytes: Int { writer.takenBytes }

    func send(_ event: EventBytes, piece: Int) {
        if case .chunks(let chunks) = event.content { writer.send(chunks[piece]) }
    }

    func keepAlive() {
        writer.send(Self.ping)
    }

    func report(to viewer: Viewer) {
        guard !writer.isClosed else { return viewer.close() }
        writer.onDrain = { viewer.drained() }
        writer.onDisconnect = { viewer.close() }
        // The server stops before the service that would end it, and waits for its connections.
        writer.onShutdown = { viewer.end() }
    }

    func finish(_ error: (any Error)?) {
        if error is ClientTooSlow { return writer.abort() }
        writer.finish(error)
    }
}

/// A WebSocket, which sends its own pings.
struct WebSocketEventWriter: StreamWriter {
    private let bound: LoopBound<WebSocketConnection>
    let format = StreamFormat.webSocket

    /// On the connection's loop.
    init(_ connection: WebSocketConnection) {
        bound = LoopBound(connection, on: connection.loop)
    }

    private var connection: WebSocketConnection { bound.value }

    /// Breaks the connection off. On its loop.
    func abort() { connection.abort() }

    func write(_ events: [EventBytes]) async throws {
        guard events.count == 1, case .frames(let frames) = events[0].content else {
            return try await connection.write(events.flatMap(\.bytes))
        }
        for frame in frames { try await connection.write(frame) }
    }

    var pendingBytes: Int { connection.pendingBytes }
    var takenBytes: Int { connection.takenBytes }

    func send(_ event: EventBytes, piece: Int) {
        if case .frames(let frames) = event.content { connection.send(frames[piece]) }
    }

    func keepAlive() {}

    func report(to viewer: Viewer) {
        // A close frame with the handshake may have ended it: callbacks set now would never be released.
        guard connection.isOpen else { return viewer.close() }
        connection.onDrain = { viewer.drained() }
        connection.onClose = { viewer.close() }
    }

    func finish(_ error: (any Error)?) {
        // A close frame would wait behind unsent data.
        if error is ClientTooSlow { return connection.abort() }
        connection.close(.goingAway, "stream ended")
    }
}
