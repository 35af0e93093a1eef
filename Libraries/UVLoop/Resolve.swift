import CUV
import Foundation

/// A name could not be turned into an address.
package struct ResolveError: Error, Sendable, CustomStringConvertible {
    package let host: String
    /// The resolver's own words, for the log.
    package let reason: String
    /// The resolver knows that the name has no address; false when it could not find out.
    package let isUnknownName: Bool
    /// There was no answer in time, or no time to ask: another try may succeed.
    package var isLate = false

    package var description: String { "cannot resolve \(host): \(reason)" }
}

extension ResolveError {
    /// - Parameter code: libuv's.
    package init(host: String, code: Int32) {
        self.host = host
        reason = String(cString: uv_strerror(code))
        isUnknownName = code == UV_EAI_NONAME.rawValue || code == UV_EAI_NODATA.rawValue
    }

    static func late(_ host: String) -> ResolveError {
        ResolveError(host: host, reason: "no answer in time", isUnknownName: false, isLate: true)
    }
}

/// Asks the system, which blocks: for as long as it takes until a dead name server is given up, which may be half a
/// minute.
enum SystemLookup {
    private static let noData: Int32 = -5  // EAI_NODATA, hidden in glibc's header

    /// The addresses in the order in which the system prefers them, without a port.
    static func addresses(of host: String) -> NameResolver.Answer {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let status = getaddrinfo(host, nil, &hints, &list)
        guard status == 0 else { return .failure(ResolveError(host: host, code: code(of: status))) }
        defer { freeaddrinfo(list) }
        let found = sequence(first: list, next: { $0?.pointee.ai_next }).prefix { $0 != nil }
            .compactMap { $0?.pointee.ai_addr.flatMap { SocketAddress($0) } }
        return found.isEmpty ? .failure(ResolveError(host: host, code: UV_EAI_NODATA.rawValue)) : .success(found)
    }

    /// libuv's code for one of `getaddrinfo`.
    private static func code(of status: Int32) -> Int32 {
        switch status {
        case EAI_NONAME: UV_EAI_NONAME.rawValue
        case noData: UV_EAI_NODATA.rawValue
        case EAI_AGAIN: UV_EAI_AGAIN.rawValue
        case EAI_MEMORY: UV_EAI_MEMORY.rawValue
        default: UV_EAI_FAIL.rawValue
        }
    }
}

extension EventLoop {
    /// The addresses of a name, in the order in which the system prefers them, without blocking the loop.
    ///
    /// - Parameters:
    ///   - limit: how long the caller waits.
    ///   - resolver: `.clients` for a name that a client gave.
    /// - Throws: also when there is no answer within the limit, or too many look-ups wait.
    package func resolve(
        host: String, port: UInt16, within limit: Duration = .seconds(5), by resolver: NameResolver = .stores
    ) async throws(ResolveError) -> [SocketAddress] {
        let answer = await withCheckedContinuation { continuation in
            let wait = AnswerWait(continuation)
            let timer = schedule(after: limit) { wait.end(.failure(.late(host))) }
            resolver.lookUp(host, within: limit) { answer in
                timer.cancel()
                wait.end(answer)
            }
        }
        return try answer.get().map { $0.with(port: port) }
    }
}
