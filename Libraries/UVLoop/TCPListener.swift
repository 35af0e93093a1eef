import CUV
import Foundation

/// A listening socket of one loop. Loop thread only.
package final class TCPListener {
    /// Connections that the system keeps until they are accepted.
    private static let backlog: Int32 = 4096

    /// The port that it listens on.
    package let port: UInt16
    private let loop: EventLoop
    private let handle: LoopHandle<uv_tcp_t>
    private var isClosed = false

    private final class Context {
        let loop: EventLoop
        let onConnection: (TCPStream) -> Void

        init(loop: EventLoop, onConnection: @escaping (TCPStream) -> Void) {
            self.loop = loop
            self.onConnection = onConnection
        }
    }

    private init(loop: EventLoop, handle: LoopHandle<uv_tcp_t>, port: UInt16) {
        self.loop = loop
        self.handle = handle
        self.port = port
    }

    /// Listens. Loop thread only.
    ///
    /// - Parameters:
    ///   - host: an IP address to listen on.
    ///   - port: 0 lets the system choose; see the result's `port`.
    ///   - reusePort: lets every loop listen on one port of its own right, so that the system spreads connections.
    package static func bind(
        host: String, port: UInt16, on loop: EventLoop, reusePort: Bool,
        onConnection: @escaping (TCPStream) -> Void
    ) throws(TCPError) -> TCPListener {
        guard let address = SocketAddress(ip: host, port: port) else { throw TCPError(code: UV_EINVAL.rawValue) }
        let descriptor = try openSocket(address, reusePort: reusePort)
        let context = Context(loop: loop, onConnection: onConnection)
        let handle = LoopHandle<uv_tcp_t>(context: context) { uv_tcp_init(loop.uvLoop, $0) }
        var code = uv_tcp_open(handle.raw, descriptor)
        if code == 0 {
            code = uv_listen(switchyard_uv_stream(handle.raw), backlog) { server, status in
                guard status == 0, let server, let data = server.pointee.data else { return }
                let context = Unmanaged<Context>.fromOpaque(data).takeUnretainedValue()
                let listener = UnsafeMutableRawPointer(server).assumingMemoryBound(to: uv_tcp_t.self)
                if let stream = TCPStream.accept(from: listener, on: context.loop) { context.onConnection(stream) }
            }
        } else {
            Foundation.close(descriptor)
        }
        guard code == 0 else {
            handle.close()
            throw TCPError(code: code)
        }
        return TCPListener(loop: loop, handle: handle, port: boundPort(descriptor))
    }

    private static func openSocket(_ address: SocketAddress, reusePort: Bool) throws(TCPError) -> Int32 {
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let descriptor = socket(address.isIPv6 ? AF_INET6 : AF_INET, kind, 0)
        guard descriptor >= 0 else { throw TCPError(code: -errno) }
        var on: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
        if reusePort { setsockopt(descriptor, SOL_SOCKET, SO_REUSEPORT, &on, socklen_t(MemoryLayout<Int32>.size)) }
        let bound = address.withSockAddr { Foundation.bind(descriptor, $0, $1) }
        guard bound == 0 else {
            let code = -errno
            Foundation.close(descriptor)
            throw TCPError(code: code)
        }
        return descriptor
    }

    private static func boundPort(_ descriptor: Int32) -> UInt16 {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        return withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                guard getsockname(descriptor, address, &length) == 0 else { return 0 }
                return SocketAddress(address)?.port ?? 0
            }
        }
    }

    /// Stops listening. Idempotent.
    package func close() {
        guard !isClosed else { return }
        isClosed = true
        handle.close()
    }

    deinit {
        if !isClosed { handle.close(on: loop) }
    }
}
