import UVLoop

/// Finds the addresses of a call's host and has each of them checked.
///
/// If any address of a name is refused none is used, so that a name cannot hide a private address behind a public
/// one. Nothing is resolved twice: who connects uses what was checked.
enum AddressFinder {
    typealias Completion = (Result<[SocketAddress], ConnectFailure>) -> Void

    /// - Parameter completion: called once, on the loop, and never before this returns.
    static func find(for call: HTTPCall, within milliseconds: UInt64, _ completion: @escaping Completion) {
        let url = call.request.url
        if let address = url.address { return call.loop.post { completion(check([address], for: call)) } }
        let deadline = call.loop.nowMilliseconds + milliseconds
        call.loop.names.lookUp(url.host, for: .clients, within: .milliseconds(milliseconds)) { outcome in
            switch outcome {
            case .success(let addresses): completion(check(addresses.map { $0.with(port: url.port) }, for: call))
            case .failure(let error):
                let hasTimedOut = error.isLate && call.loop.nowMilliseconds >= deadline
                let kind = hasTimedOut ? .connectTimeout : HTTPClientError.Kind(error)
                completion(.failure(ConnectFailure(kind: kind, detail: error.description)))
            }
        }
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
