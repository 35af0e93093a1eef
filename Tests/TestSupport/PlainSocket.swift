import Foundation

/// The little of blocking sockets that is needed to check whether a server is up, independent of the code under test.
package enum PlainSocket {
    /// Whether something accepts connections on that port of 127.0.0.1.
    package static func accepts(port: UInt16) -> Bool {
        exchange(port: port, send: "", receive: 0) != nil
    }

    /// Sends text and returns what comes back, at most `receive` bytes; nil when nothing listens or responds.
    package static func exchange(port: UInt16, send text: String, receive: Int, timeoutSeconds: Int = 20) -> String? {
        guard let descriptor = open() else { return nil }
        defer { close(descriptor) }
        var limit = timeval(tv_sec: timeoutSeconds, tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, size)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, size)
        guard withLoopback(port, { connect(descriptor, $0, $1) }) == 0 else { return nil }
        guard receive > 0 else { return "" }
        let bytes = Array(text.utf8)
        guard Foundation.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else {
            return nil
        }
        var buffer = [UInt8](repeating: 0, count: receive)
        let count = recv(descriptor, &buffer, receive, 0)
        return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : nil
    }

    /// Sends text and returns all that comes back until the peer closes or is silent for a while; nil when nothing
    /// listens. What the peer does not read any more is not an error: it may have responded before.
    package static func everything(port: UInt16, send text: String, silenceSeconds: Int = 20) -> String? {
        guard let descriptor = open() else { return nil }
        defer { close(descriptor) }
        var limit = timeval(tv_sec: silenceSeconds, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        guard withLoopback(port, { connect(descriptor, $0, $1) }) == 0 else { return nil }
        let bytes = Array(text.utf8)
        _ = Foundation.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
        var received: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while case let count = recv(descriptor, &buffer, buffer.count, 0), count > 0 { received += buffer[..<count] }
        return String(decoding: received, as: UTF8.self)
    }

    /// The status code of `GET path`, or nil when there was no response.
    package static func status(port: UInt16, path: String) -> Int? {
        let request = "GET \(path) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\nConnection: close\r\n\r\n"
        guard let response = exchange(port: port, send: request, receive: 256) else { return nil }
        let words = response.split(separator: " ", maxSplits: 2)
        return words.count > 1 ? Int(words[1]) : nil
    }

    static func open() -> Int32? {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        return descriptor >= 0 ? descriptor : nil
    }

    static func withLoopback(_ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }
}
