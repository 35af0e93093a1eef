import Foundation
import HTTPCore
import Synchronization
import UVLoop

/// A TCP server that answers with whatever a test says, however wrong.
///
/// `@unchecked Sendable`: the listener is confined to the loop; the counters are locked.
final class ScriptedServer: @unchecked Sendable {
    /// One connection, as the script sees it; on the loop's thread.
    final class Peer: @unchecked Sendable {
        /// 0 for the server's first connection.
        let number: Int
        let stream: TCPStream
        fileprivate(set) var requests = 0
        fileprivate var received: [UInt8] = []

        fileprivate init(number: Int, stream: TCPStream) {
            self.number = number
            self.stream = stream
        }

        func send(_ text: String) { stream.write(Array(text.utf8)) }

        /// Sends text in pieces, each in a write of its own some milliseconds after the one before.
        func trickle(
            _ pieces: [String], every delay: Duration = .milliseconds(5), then end: (@Sendable () -> Void)? = nil
        ) {
            guard let piece = pieces.first else { return end?() ?? () }
            send(piece)
            stream.loop.schedule(after: delay) { self.trickle(Array(pieces.dropFirst()), every: delay, then: end) }
        }

        func close() { stream.close() }

        func answer(_ body: String) {
            send("HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
        }
    }

    struct Request: Sendable {
        let head: String
        let body: String
    }

    private struct State {
        var peers: [Peer] = []
        var requests: [Request] = []
        var ended = 0
    }

    let port: UInt16
    private let state = Mutex(State())
    private let loop: EventLoop
    private let listener: LoopBound<TCPListener>

    var connections: Int { state.withLock { $0.peers.count } }
    /// Connections that the client has closed.
    var ended: Int { state.withLock { $0.ended } }
    var requests: [Request] { state.withLock { $0.requests } }
    var url: String { "http://127.0.0.1:\(port)/" }

    /// - Parameters:
    ///   - atHead: the script does not wait for the request's body, which is read as if it were the next request.
    ///   - script: called for every complete request.
    static func start(
        _ group: EventLoopGroup, atHead: Bool = false,
        _ script: @escaping @Sendable (Peer, Request) -> Void
    ) async throws -> ScriptedServer {
        let loop = group.next()
        let box = Mutex<ScriptedServer?>(nil)
        let (listener, port) = try await withCheckedThrowingContinuation { continuation in
            loop.execute {
                continuation.resume(
                    with: Result {
                        let listener = try TCPListener.bind(
                            host: "127.0.0.1", port: 0, on: loop, reusePort: false
                        ) { stream in box.withLock { $0 }?.accept(stream, atHead, script) }
                        return (LoopBound(listener, on: loop), listener.port)
                    })
            }
        }
        let server = ScriptedServer(loop: loop, listener: listener, port: port)
        box.withLock { $0 = server }
        return server
    }

    private init(loop: EventLoop, listener: LoopBound<TCPListener>, port: UInt16) {
        self.loop = loop
        self.listener = listener
        self.port = port
    }

    func stop() {
        loop.execute { [self] in
            listener.value.close()
            for peer in state.withLock({ $0.peers }) { peer.close() }
        }
    }

    private func accept(
        _ stream: TCPStream, _ atHead: Bool, _ script: @escaping @Sendable (Peer, Request) -> Void
    ) {
        let peer = state.withLock { state in
            let peer = Peer(number: state.peers.count, stream: stream)
            state.peers.append(peer)
            return peer
        }
        stream.onRead = { [unowned self] bytes in
            peer.received.append(contentsOf: bytes)
            while let request = Self.takeRequest(from: &peer.received, atHead) {
                peer.requests += 1
                state.withLock { $0.requests.append(request) }
                script(peer, request)
            }
        }
        stream.onEnd = { [unowned self] _ in
            state.withLock { $0.ended += 1 }
            stream.close()
        }
        stream.startReading()
    }

    private static func takeRequest(from bytes: inout [UInt8], _ atHead: Bool) -> Request? {
        guard let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else { return nil }
        let head = String(decoding: bytes[..<end.upperBound], as: UTF8.self)
        let lower = head.lowercased()
        var bodyEnd = end.upperBound
        if atHead {
            // The rest is not waited for.
        } else if let length = lower.firstMatch(of: /content-length: (\d+)/).flatMap({ Int($0.1) }) {
            bodyEnd += length
        } else if lower.contains("transfer-encoding: chunked") {
            guard let last = bytes[bodyEnd...].firstRange(of: Array("0\r\n\r\n".utf8)) else { return nil }
            bodyEnd = last.upperBound
        }
        guard bytes.count >= bodyEnd else { return nil }
        defer { bytes.removeFirst(bodyEnd) }
        return Request(head: head, body: String(decoding: bytes[end.upperBound..<bodyEnd], as: UTF8.self))
    }
}
