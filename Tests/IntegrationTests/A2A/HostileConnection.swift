import Foundation
import Synchronization

/// One connection of a `HostileAgent`, used by its thread.
///
/// `@unchecked Sendable`: `received` belongs to the connection's thread; other threads only call `interrupt`.
final class HostileConnection: @unchecked Sendable {
    static let response = #"{"jsonrpc":"2.0","id":"1","result":{"parts":[{"kind":"text","text":"done"}]}}"#

    /// `POLLRDHUP` of Linux, which Glibc does not export.
    private static let hangUp: Int16 = 0x2000

    private let descriptor: Int32
    private var received: [UInt8] = []
    private let isClosed = Mutex(false)
    /// The script ended the connection.
    private(set) var isOver = false

    init(_ descriptor: Int32) { self.descriptor = descriptor }

    // MARK: - Reading

    func read(withBody: Bool) -> HostileAgent.Request? {
        while true {
            if let request = takeRequest(withBody) { return request }
            var buffer = [UInt8](repeating: 0, count: 65_536)
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0 else { return nil }
            received.append(contentsOf: buffer[..<count])
        }
    }

    private func takeRequest(_ withBody: Bool) -> HostileAgent.Request? {
        guard let end = received.firstRange(of: Array("\r\n\r\n".utf8)) else { return nil }
        let head = String(decoding: received[..<end.upperBound], as: UTF8.self)
        let length = head.lowercased().firstMatch(of: /content-length: (\d+)/).flatMap { Int($0.1) } ?? 0
        let bodyEnd = end.upperBound + (withBody ? length : 0)
        guard received.count >= bodyEnd else { return nil }
        defer { received.removeFirst(bodyEnd) }
        return .init(head: head, body: String(decoding: received[end.upperBound..<bodyEnd], as: UTF8.self))
    }

    // MARK: - For scripts

    /// - Returns: false when the peer is gone.
    @discardableResult
    func send(_ text: String) -> Bool { send(Array(text.utf8)) }

    @discardableResult
    func send(_ bytes: [UInt8]) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Foundation.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }

    func respond(_ body: String = HostileConnection.response, status: String = "200 OK", headers: String = "") {
        send(
            "HTTP/1.1 \(status)\r\nContent-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n"
                + "\(headers)\r\n\(body)")
    }

    /// Sends texts one after another until the peer is gone.
    func trickle(_ texts: some Sequence<String>, every pause: Duration) {
        for text in texts {
            guard send(text), !peerIsGone(within: pause) else { return }
        }
    }

    /// Whether the peer hung up, now or within that time; pipelined bytes are kept.
    func peerIsGone(within limit: Duration) -> Bool {
        let clock = ContinuousClock()
        let end = clock.now + limit
        while true {
            let left = max(.zero, end - clock.now)
            let milliseconds = left.components.seconds * 1000 + left.components.attoseconds / 1_000_000_000_000_000
            var watched = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&watched, 1, Int32(clamping: milliseconds)) > 0 else { return false }
            var buffer = [UInt8](repeating: 0, count: 4096)
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0 else { return true }
            received.append(contentsOf: buffer[..<count])
        }
    }

    /// Whether the peer has hung up by now, though the connection's thread may not have seen it yet. From any thread.
    var wasHungUp: Bool {
        isClosed.withLock { isClosed in
            var watched = pollfd(fd: descriptor, events: Self.hangUp, revents: 0)
            return isClosed || poll(&watched, 1, 0) > 0
        }
    }

    /// Says nothing until the peer hangs up.
    func hang() {
        while !peerIsGone(within: .seconds(60)) {}
        isOver = true
    }

    /// Reads nothing until the peer hangs up.
    func stopReading() {
        var watched = pollfd(fd: descriptor, events: Self.hangUp, revents: 0)
        _ = poll(&watched, 1, 60_000)
        isOver = true
    }

    /// Ends with a reset instead of an end of file.
    func reset() {
        var hard = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &hard, socklen_t(MemoryLayout<linger>.size))
        isOver = true
    }

    func end() { isOver = true }

    // MARK: - The descriptor

    /// Wakes the thread out of whatever it waits for. From any thread.
    func interrupt() {
        isClosed.withLock { isClosed in
            if !isClosed { _ = shutdown(descriptor, Int32(SHUT_RDWR)) }
        }
    }

    func close() {
        isClosed.withLock { isClosed in
            isClosed = true
            Foundation.close(descriptor)
        }
    }
}
