import Foundation

/// Nanoseconds on the monotonic clock.
func nanoseconds() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

/// A system call failed, or the server misbehaved.
struct WatchFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }

    static func call(_ name: String) -> WatchFailure { WatchFailure("\(name): \(String(cString: strerror(errno)))") }
}

/// Plain sockets to the loopback address.
enum Wire {
    /// A client with little data in flight, as a distant one.
    private static let slowReceiveBuffer: Int32 = 4096
    private static let slowSegment: Int32 = 536

    /// - Parameter isSlow: uses small buffers, so that the server's send buffer fills soon when nothing is read.
    static func connect(port: UInt16, isSlow: Bool = false) throws -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw WatchFailure.call("socket") }
        if isSlow {
            try set(descriptor, SOL_SOCKET, SO_RCVBUF, slowReceiveBuffer)
            try set(descriptor, Int32(IPPROTO_TCP), TCP_MAXSEG, slowSegment)
        }
        try set(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, 1)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let code = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Foundation.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard code == 0 else { throw WatchFailure.call("connect") }
        return descriptor
    }

    private static func set(_ descriptor: Int32, _ level: Int32, _ option: Int32, _ value: Int32) throws {
        var value = value
        guard setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size)) == 0 else {
            throw WatchFailure.call("setsockopt")
        }
    }

    /// Sends all of it, on a blocking socket.
    static func send(_ text: String, to descriptor: Int32) throws {
        let bytes = Array(text.utf8)
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                Foundation.send(descriptor, $0.baseAddress! + sent, bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw WatchFailure.call("send") }
            sent += count
        }
    }

    static func makeNonBlocking(_ descriptor: Int32) throws {
        guard fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK) == 0 else {
            throw WatchFailure.call("fcntl")
        }
    }
}
