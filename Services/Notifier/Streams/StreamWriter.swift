import EventLoop
import HTTPServer
import WebSocket

/// A client took too little for too long, when all of them together had too much on its way.
struct ClientTooSlow: Error {}

/// Where a viewer's events go.
protocol StreamWriter: Sendable {
    var format: StreamFormat { get }

    /// Sends events, in order, and waits while the client has too much to take already.
    ///
    /// - Throws: when the client is gone.
    func write(_ events: [EventBytes]) async throws

    /// Bytes that the system has not taken yet. Loop thread only.
    var pendingBytes: Int { get }

    /// Bytes that the client's system has taken so far: it rises as long as the client reads. Loop thread only.
    var takenBytes: Int { get }

    /// Sends a piece of an event without waiting. Loop thread only.
    func send(_ event: EventBytes, piece: Int)

    /// Shows the client, and whatever stands between, that the stream is alive. Loop thread only.
    func keepAlive()

    /// Tells a viewer from now on when everything has gone to the system, when the client goes, and when the server
    /// stops. Loop thread only.
    func report(to viewer: Viewer)

    /// Ends the stream. Loop thread only.
    ///
    /// - Parameter error: why it is not whole, where it is not.
    func finish(_ error: (any Error)?)
}

/// The body of a response of server-sent events.
struct ServerSentEventWriter: StreamWriter {
    private static let ping = PreparedChunk(Array(": ping\n\n".utf8))

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
        // The server stops before whatever else would end it, and waits for its connections.
        writer.onShutdown = { viewer.end() }
    }

    func finish(_ error: (any Error)?) {
        if error is ClientTooSlow { return writer.abort() }
        writer.finish(error)
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

    var pendingBytes: Int { connection.pendingBytes }
    var takenBytes: Int { connection.takenBytes }

    func send(_ event: EventBytes, piece: Int) {
        if case .frames(let frames) = event.content { connection.send(frames[piece]) }
    }

    func keepAlive() {}

    func report(to viewer: Viewer) {
        // What the client sent ahead may have ended it: it would keep for ever what it is told now.
        guard connection.isOpen else { return viewer.close() }
        connection.onDrain = { viewer.drained() }
        connection.onClose = { viewer.close() }
    }

    func finish(_ error: (any Error)?) {
        // A farewell would wait behind what is not taken.
        if error is ClientTooSlow { return connection.abort() }
        connection.close(.goingAway, "stream ended")
    }
}
