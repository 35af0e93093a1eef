import Concurrency
import CUV
import UVLoop

/// Why there is no connection.
struct ConnectFailure: Error {
    let kind: HTTPClientError.Kind
    let detail: String
}

/// The addresses of a host are tried in order until one of them accepts a connection or the time is up: the rule, without
/// any I/O. Times are milliseconds of the loop's clock.
struct ConnectAttempts {
    enum Step {
        /// Try this address, and give it up after so many milliseconds.
        case connect(SocketAddress, within: UInt64)
        case fail(ConnectFailure)
    }

    /// When a connection must be there.
    let deadline: UInt64
    /// When the call that it is for must be over.
    let total: UInt64
    private var addresses: ArraySlice<SocketAddress> = []

    init(deadline: UInt64, total: UInt64) {
        self.deadline = min(deadline, total)
        self.total = total
    }

    func remaining(_ now: UInt64) -> UInt64 { deadline > now ? deadline - now : 0 }

    /// The host's addresses were found, or not.
    mutating func found(_ outcome: Result<[SocketAddress], ConnectFailure>, now: UInt64) -> Step {
        switch outcome {
        case .success(let addresses):
            self.addresses = addresses[...]
            return next(after: ConnectFailure(kind: .unknownHost, detail: "no address"), now)
        case .failure(let failure): return end(failure, now)
        }
    }

    /// The address that was tried last did not accept.
    mutating func failed(_ failure: ConnectFailure, now: UInt64) -> Step { next(after: failure, now) }

    private mutating func next(after failure: ConnectFailure, _ now: UInt64) -> Step {
        guard let address = addresses.popFirst() else { return end(failure, now) }
        let left = remaining(now)
        guard left > 0 else { return end(ConnectFailure(kind: .connectTimeout, detail: "no time left"), now) }
        // An address that does not answer must leave time for those after it.
        return .connect(address, within: max(1, left / UInt64(addresses.count + 1)))
    }

    /// The call's own ceiling may be what ended the attempt.
    private func end(_ failure: ConnectFailure, _ now: UInt64) -> Step {
        let isTotal = failure.kind == .connectTimeout && total <= now
        return .fail(isTotal ? ConnectFailure(kind: .totalTimeout, detail: failure.detail) : failure)
    }
}

/// Opens one connection for a call: has the host's addresses found and checked, and does what `ConnectAttempts` says. Loop
/// thread only.
final class Connector {
    typealias Completion = (Result<TCPStream, ConnectFailure>) -> Void

    private let call: HTTPCall
    private let loop: EventLoop
    private let completion: Completion
    private var attempts: ConnectAttempts

    /// - Parameter completion: called once, on the loop, and never before `start` returns.
    init(call: HTTPCall, completion: @escaping Completion) {
        self.call = call
        self.completion = completion
        loop = call.loop
        // A retry comes late in a call: it has its own time for connecting.
        let limit = call.request.connectTimeout?.milliseconds ?? call.shard.connectMilliseconds
        attempts = ConnectAttempts(
            deadline: call.wasRetried ? loop.nowMilliseconds + limit : call.connectDeadline, total: call.clock.total)
    }

    func start() {
        AddressFinder.find(for: call, within: attempts.remaining(loop.nowMilliseconds)) { [self] outcome in
            perform(attempts.found(outcome, now: loop.nowMilliseconds))
        }
    }

    private func perform(_ step: ConnectAttempts.Step) {
        switch step {
        case .connect where call.isFinished: completion(.failure(ConnectFailure(kind: .cancelled, detail: "")))
        case .connect(let address, let milliseconds):
            TCPStream.connect(to: address, on: loop, timeout: .milliseconds(milliseconds)) { [self] result in
                switch result {
                case .success(let stream): completion(.success(stream))
                case .failure(let error):
                    perform(attempts.failed(Self.failure(error, address), now: loop.nowMilliseconds))
                }
            }
        case .fail(let failure): completion(.failure(failure))
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
}
