import CUV
import EventLoop

/// Why there is no connection.
struct ConnectFailure: Error {
    let kind: HTTPClientError.Kind
    let detail: String
}

/// Opens one connection for a call: finds the host's addresses, has each of them checked, tries them in order.
///
/// The address that was checked is the address that is connected to: nothing is resolved twice. If any address of a
/// name is refused none is used, so that a name cannot hide a private address behind a public one.
///
/// `@unchecked Sendable`: confined to the loop's thread.
final class Connector: @unchecked Sendable {
    typealias Completion = (Result<TCPStream, ConnectFailure>) -> Void

    private let call: Call
    private let shard: LoopClient
    private let deadline: UInt64
    private var completion: Completion?
    private var addresses: ArraySlice<SocketAddress> = []
    private var lookupTimer: LoopTimer?

    init(call: Call, pool: HostPool) {
        self.call = call
        shard = pool.shard
        // A retry comes late in a call: it has its own time for connecting.
        let limit = call.request.connectTimeout?.milliseconds ?? shard.connectMilliseconds
        deadline = min(
            call.wasRetried ? shard.loop.nowMilliseconds + limit : call.connectDeadline, call.clock.total)
    }

    /// - Parameter completion: called once, on the loop.
    func start(_ completion: @escaping Completion) {
        self.completion = completion
        if let address = call.request.url.address { return check([address]) }
        lookupTimer = shard.loop.makeTimer { [weak self] in self?.finish(.connectTimeout, "no answer to the name") }
        lookupTimer?.start(after: .milliseconds(remaining))
        shard.names.resolve(call.request.url.host, port: call.request.url.port) { [self] result in
            lookupTimer?.close()
            lookupTimer = nil
            guard self.completion != nil else { return }
            switch result {
            case .success(let addresses): check(addresses)
            case .failure(let error): finish(.unknownHost, error.description)
            }
        }
    }

    private var remaining: UInt64 {
        let now = shard.loop.nowMilliseconds
        return deadline > now ? deadline - now : 0
    }

    private func check(_ addresses: [SocketAddress]) {
        for address in addresses {
            if case .refused(let reason) = shard.policy(address, call.request) {
                return finish(.unsafeAddress, "\(address.ip): \(reason)")
            }
        }
        self.addresses = addresses[...]
        tryNext(after: ConnectFailure(kind: .unknownHost, detail: "no address"))
    }

    private func tryNext(after failure: ConnectFailure) {
        if call.isOver { return finish(.cancelled, "") }
        guard let address = addresses.popFirst() else { return finish(failure.kind, failure.detail) }
        guard remaining > 0 else { return finish(.connectTimeout, "no time left") }
        // An address that does not answer must leave time for those after it.
        let share = max(1, remaining / UInt64(addresses.count + 1))
        TCPStream.connect(to: address, on: shard.loop, timeout: .milliseconds(share)) { [self] result in
            switch result {
            case .success(let stream): finish(.success(stream))
            case .failure(let error): tryNext(after: Self.failure(error, address))
            }
        }
    }

    private static func failure(_ error: TCPError, _ address: SocketAddress) -> ConnectFailure {
        let kind: HTTPClientError.Kind
        switch error.code {
        case UV_ECONNREFUSED.rawValue: kind = .refused
        case UV_ETIMEDOUT.rawValue: kind = .connectTimeout
        case UV_EMFILE.rawValue, UV_ENFILE.rawValue, UV_ENOBUFS.rawValue, UV_EADDRNOTAVAIL.rawValue:
            kind = .overloaded
        default: kind = .unreachable
        }
        return ConnectFailure(kind: kind, detail: "\(address): \(error)")
    }

    private func finish(_ kind: HTTPClientError.Kind, _ detail: String) {
        // The call's own ceiling may be what ended the attempt.
        let isTotal = kind == .connectTimeout && call.clock.total <= shard.loop.nowMilliseconds
        finish(.failure(ConnectFailure(kind: isTotal ? .totalTimeout : kind, detail: detail)))
    }

    private func finish(_ result: Result<TCPStream, ConnectFailure>) {
        lookupTimer?.close()
        lookupTimer = nil
        let completion = completion
        self.completion = nil
        completion?(result)
    }
}
