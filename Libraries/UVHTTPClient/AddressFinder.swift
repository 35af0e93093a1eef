import UVLoop

/// Finds the addresses of a call's host and has each of them checked.
///
/// If any address of a name is refused none is used, so that a name cannot hide a private address behind a public
/// one. Nothing is resolved twice: who connects uses what was checked.
///
/// `@unchecked Sendable`: confined to the loop's thread.
final class AddressFinder: @unchecked Sendable {
    typealias Completion = (Result<[SocketAddress], ConnectFailure>) -> Void

    private let call: HTTPCall
    private var completion: Completion?
    private var timer: LoopTimer?

    /// - Parameter completion: called once, on the loop.
    static func find(for call: HTTPCall, within milliseconds: UInt64, _ completion: @escaping Completion) {
        if let address = call.request.url.address { return completion(check([address], for: call)) }
        AddressFinder(call, completion).start(milliseconds)
    }

    private init(_ call: HTTPCall, _ completion: @escaping Completion) {
        self.call = call
        self.completion = completion
    }

    private func start(_ milliseconds: UInt64) {
        let shard = call.shard
        shard.names.resolve(call.request.url.host, port: call.request.url.port) { [self] result in
            switch result {
            case .success(let addresses): finish(Self.check(addresses, for: call))
            case .failure(let error): finish(.failure(ConnectFailure(kind: .init(error), detail: error.description)))
            }
        }
        guard completion != nil else { return }
        timer = shard.loop.makeTimer { [weak self] in
            self?.finish(.failure(ConnectFailure(kind: .connectTimeout, detail: "no answer about the name")))
        }
        timer?.start(after: .milliseconds(milliseconds))
    }

    private func finish(_ result: Result<[SocketAddress], ConnectFailure>) {
        timer?.close()
        timer = nil
        let completion = completion
        self.completion = nil
        completion?(result)
    }

    private static func check(
        _ addresses: [SocketAddress], for call: HTTPCall
    ) -> Result<[SocketAddress], ConnectFailure> {
        for address in addresses {
            if case .refused(let reason) = call.shard.policy(address, call.request) {
                return .failure(ConnectFailure(kind: .unsafeAddress, detail: "\(address.ip): \(reason)"))
            }
        }
        return .success(addresses)
    }
}
