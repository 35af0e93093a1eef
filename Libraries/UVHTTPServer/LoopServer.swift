import ASCIIText
import Foundation
import HTTPCore
import Observability
import Synchronization
import UVLoop

/// A server's part on one loop: its listener and its connections. Loop thread only.
final class LoopServer {
    let shared: ServerShared
    let loop: EventLoop
    private(set) var isDraining = false
    private var listener: TCPListener?
    /// Keeps the connections alive; they take themselves out.
    private var connections: [ObjectIdentifier: HTTPConnection] = [:]
    private var dateSecond: Int = -1
    private var dateField: [UInt8] = []
    private var random = FastRandom()

    init(shared: ServerShared, loop: EventLoop) {
        self.shared = shared
        self.loop = loop
    }

    /// - Returns: the port.
    func listen(port: UInt16, reusePort: Bool) throws(TCPError) -> UInt16 {
        let listener = try TCPListener.bind(
            host: shared.configuration.host, port: port, on: loop, reusePort: reusePort
        ) { [weak self] stream in self?.accept(stream) }
        self.listener = listener
        return listener.port
    }

    private func accept(_ stream: TCPStream) {
        let count = shared.connectionCount.wrappingAdd(1, ordering: .relaxed).newValue
        guard count <= shared.configuration.maxConnections, !isDraining else {
            shared.connectionCount.wrappingSubtract(1, ordering: .relaxed)
            return stream.close()
        }
        shared.metrics.connections.increment()
        let connection = HTTPConnection(stream, server: self)
        connections[ObjectIdentifier(connection)] = connection
        connection.start()
    }

    func remove(_ connection: HTTPConnection) {
        guard connections.removeValue(forKey: ObjectIdentifier(connection)) != nil else { return }
        shared.connectionCount.wrappingSubtract(1, ordering: .relaxed)
        shared.metrics.connections.decrement()
    }

    func stopListening() {
        listener?.close()
        listener = nil
    }

    /// Closes the listener and the connections that wait for a request; the others close after their response.
    func stopAccepting() {
        isDraining = true
        stopListening()
        for connection in connections.values { connection.drain() }
    }

    func closeAll() {
        for connection in connections.values { connection.close() }
    }

    // MARK: - What responses need

    /// The rendered `Date` field; it changes once a second.
    func withDateField(_ body: ([UInt8]) -> Void) {
        var now = time_t()
        time(&now)
        if now != dateSecond {
            dateSecond = now
            dateField = Self.renderDate(now)
        }
        body(dateField)
    }

    private static func renderDate(_ now: time_t) -> [UInt8] {
        var now = now
        var parts = tm()
        gmtime_r(&now, &parts)
        let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let date =
            "\(days[Int(parts.tm_wday)]), \(two(parts.tm_mday)) \(months[Int(parts.tm_mon)]) \(1900 + parts.tm_year)"
        let time = "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))"
        return Array("Date: \(date) \(time) GMT\r\n".utf8)
    }

    /// A fresh request id: 32 hex digits.
    func makeRequestID() -> String {
        let high = random.next()
        let low = random.next()
        return String(unsafeUninitializedCapacity: 32) { buffer in
            HexText.write(high, to: buffer, at: 0)
            HexText.write(low, to: buffer, at: 16)
            return 32
        }
    }
}

/// xoshiro256**, seeded by the system: request ids need to differ, not to be secret, and a system call each costs more
/// than the rest of a small request.
struct FastRandom: RandomNumberGenerator {
    private var state: (UInt64, UInt64, UInt64, UInt64)

    init() {
        var system = SystemRandomNumberGenerator()
        state = (system.next(), system.next(), system.next(), system.next() | 1)
    }

    mutating func next() -> UInt64 {
        let result = rotate(state.1 &* 5, 7) &* 9
        let shifted = state.1 << 17
        state.2 ^= state.0
        state.3 ^= state.1
        state.1 ^= state.2
        state.0 ^= state.3
        state.2 ^= shifted
        state.3 = rotate(state.3, 45)
        return result
    }

    private func rotate(_ value: UInt64, _ bits: UInt64) -> UInt64 {
        value << bits | value >> (64 - bits)
    }
}
