import Concurrency
import CUV
import UVLoop

/// Why there is no connection.
struct ConnectFailure: Error {
    let kind: HTTPClientError.Kind
    let detail: String
}

/// Opens one connection for a call: finds the host's addresses, has each of them checked, tries them in order. Loop
/// thread only.
final class Connector {
    typealias Completion = (Result<TCPStream, ConnectFailure>) -> Void

    private let call: HTTPCall
    private let loop: EventLoop
    private let deadline: UInt64
    private let completion: Completion
    private var addresses: ArraySlice<SocketAddress> = []

    /// - Parameter completion: called once, on the loop, and never before `start` returns.
    init(call: HTTPCall, completion: @escaping Completion) {
        self.call = call
        self.completion = completion
        loop = call.loop
        // A retry comes late in a call: it has its own time for connecting.
        let limit = call.request.connectTimeout?.milliseconds ?? call.shard.connectMilliseconds
        deadline = min(call.wasRetried ? loop.nowMilliseconds + limit : call.connectDeadline, call.clock.total)
    }

    func start() {
        AddressFinder.find(for: call, within: remaining) { [self] result in
            switch result {
            case .success(let addresses):
                self.addresses = addresses[...]
                tryNext(after: ConnectFailure(kind: .unknownHost, detail: "no address"))
            case .failure(let failure): finish(failure.kind, failure.detail)
            }
        }
    }

    private var remaining: UInt64 {
        let now = loop.nowMilliseconds
        return deadline > now ? deadline - now : 0
    }

    private func tryNext(after failure: ConnectFailure) {
        if call.isFinished { return finish(.cancelled, "") }
        guard let address = addresses.popFirst() else { return finish(failure.kind, failure.detail) }
        guard remaining > 0 else { return finish(.connectTimeout, "no time left") }
        // An address that does not answer must leave time for those after it.
        let share = max(1, remaining / UInt64(addresses.count + 1))
        TCPStream.connect(to: address, on: loop, timeout: .milliseconds(share)) { [self] result in
            switch result {
            case .success(let stream): completion(.success(stream))
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
        let isTotal = kind == .connectTimeout && call.clock.total <= loop.nowMilliseconds
        completion(.failure(ConnectFailure(kind: isTotal ? .totalTimeout : kind, detail: detail)))
    }
}
