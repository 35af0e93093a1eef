import Foundation

/// A blocking connection to 127.0.0.1 that sends exactly the bytes it is given.
package final class PlainConnection {
    package struct Refused: Error {}

    private let descriptor: Int32

    /// - Parameter silenceSeconds: how long reading and writing wait.
    package init(port: UInt16, silenceSeconds: Int = 20) throws {
        guard let descriptor = PlainSocket.open() else { throw Refused() }
        self.descriptor = descriptor
        var on: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
        setTimeouts(timeval(tv_sec: silenceSeconds, tv_usec: 0))
        guard PlainSocket.withLoopback(port, { connect(descriptor, $0, $1) }) == 0 else { throw Refused() }
    }

    deinit {
        close(descriptor)
    }

    package func send(_ text: String) {
        send(Array(text.utf8))
    }

    /// - Parameter limit: how long to wait for buffer space; nil for the connection's time.
    /// - Returns: false when the peer did not take all of it.
    @discardableResult
    package func send(_ bytes: [UInt8], withinMilliseconds limit: Int? = nil) -> Bool {
        if let limit { setTimeouts(timeval(tv_sec: limit / 1000, tv_usec: limit % 1000 * 1000)) }
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                Foundation.send(descriptor, $0.baseAddress! + sent, bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            if count <= 0 { return false }
            sent += count
        }
        return true
    }

    /// Reads until there is enough, the peer ends, or is silent for too long.
    package func receive(until isEnough: ([UInt8]) -> Bool) -> [UInt8] {
        var received: [UInt8] = []
        var byte = [UInt8](repeating: 0, count: 1)
        while !isEnough(received), recv(descriptor, &byte, 1, 0) == 1 { received.append(byte[0]) }
        return received
    }

    /// Reads until the peer ends, or is silent for too long.
    package func receiveAll() -> [UInt8] {
        var received: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while case let count = recv(descriptor, &buffer, buffer.count, 0), count > 0 { received += buffer[..<count] }
        return received
    }

    /// Ends the connection both ways.
    package func hangUp() {
        shutdown(descriptor, Int32(SHUT_RDWR))
    }

    private func setTimeouts(_ limit: timeval) {
        var limit = limit
        let size = socklen_t(MemoryLayout<timeval>.size)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, size)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, size)
    }
}
