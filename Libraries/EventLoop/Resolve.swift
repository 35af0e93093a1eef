import CUV
import Foundation

/// A name could not be turned into an address.
package struct ResolveError: Error, Sendable, CustomStringConvertible {
    package let host: String
    /// The resolver's own words, for the log.
    package let reason: String
    /// The resolver knows that the name has no address; false when it could not find out.
    package let isUnknownName: Bool

    package var description: String { "cannot resolve \(host): \(reason)" }
}

extension ResolveError {
    /// - Parameter code: libuv's.
    package init(host: String, code: Int32) {
        self.host = host
        reason = String(cString: uv_strerror(code))
        isUnknownName = code == UV_EAI_NONAME.rawValue || code == UV_EAI_NODATA.rawValue
    }
}

/// One look-up under way: owned by libuv's request from `start` to the callback.
private final class Lookup {
    let request = UnsafeMutablePointer<uv_getaddrinfo_t>.allocate(capacity: 1)
    let port: UInt16
    let finish: (Result<[SocketAddress], ResolveError>) -> Void
    let host: String

    init(host: String, port: UInt16, finish: @escaping (Result<[SocketAddress], ResolveError>) -> Void) {
        self.host = host
        self.port = port
        self.finish = finish
    }

    deinit {
        request.deallocate()
    }

    func start(on loop: EventLoop) {
        request.pointee.data = Unmanaged.passRetained(self).toOpaque()
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        let code = uv_getaddrinfo(
            loop.uvLoop, request,
            { request, status, list in
                let lookup = Unmanaged<Lookup>.fromOpaque(request!.pointee.data).takeRetainedValue()
                defer { uv_freeaddrinfo(list) }
                lookup.end(status, list)
            }, host, nil, &hints)
        if code != 0 { Unmanaged.passUnretained(self).release() }
        if code != 0 { finish(.failure(ResolveError(host: host, code: code))) }
    }

    private func end(_ status: Int32, _ list: UnsafeMutablePointer<addrinfo>?) {
        guard status == 0 else { return finish(.failure(ResolveError(host: host, code: status))) }
        let found = sequence(first: list, next: { $0?.pointee.ai_next }).prefix { $0 != nil }
            .compactMap { $0?.pointee.ai_addr.flatMap { SocketAddress($0, port: port) } }
        finish(found.isEmpty ? .failure(ResolveError(host: host, code: UV_EAI_NODATA.rawValue)) : .success(found))
    }
}

extension EventLoop {
    /// The addresses of a name, in the order in which the system prefers them, without blocking the loop.
    package func resolve(host: String, port: UInt16) async throws(ResolveError) -> [SocketAddress] {
        let result: Result<[SocketAddress], ResolveError> = await withCheckedContinuation { continuation in
            execute {
                Lookup(host: host, port: port) { continuation.resume(returning: $0) }.start(on: self)
            }
        }
        return try result.get()
    }
}
