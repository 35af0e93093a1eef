import Testing
import UVLoop

@testable import UVHTTPClient

/// The order and the time of attempts to connect, without sockets.
@Suite struct ConnectAttemptsTests {
    private static let addresses = (1...3).map { SocketAddress(ip: "192.0.2.\($0)", port: 80)! }
    private static let refused = ConnectFailure(kind: .refused, detail: "refused")

    /// A step in a few words.
    private func words(_ step: ConnectAttempts.Step) -> String {
        switch step {
        case .connect(let address, let milliseconds): "\(address.ip) \(milliseconds)"
        case .fail(let failure): "\(failure.kind)"
        }
    }

    @Test func eachAddressLeavesTimeForThoseAfterIt() {
        var attempts = ConnectAttempts(deadline: 900, total: .max)
        #expect(words(attempts.found(.success(Self.addresses), now: 0)) == "192.0.2.1 300")
        #expect(words(attempts.failed(Self.refused, now: 100)) == "192.0.2.2 400")
        #expect(words(attempts.failed(Self.refused, now: 500)) == "192.0.2.3 400")
        #expect(words(attempts.failed(Self.refused, now: 600)) == "refused")
    }

    @Test func theLastFailureIsTheReason() {
        var attempts = ConnectAttempts(deadline: 900, total: .max)
        #expect(words(attempts.found(.success([]), now: 0)) == "unknownHost")
        #expect(
            words(attempts.found(.failure(ConnectFailure(kind: .unsafeAddress, detail: "")), now: 0)) == "unsafeAddress"
        )
    }

    @Test func timeThatIsUpEndsTheAttempts() {
        var attempts = ConnectAttempts(deadline: 900, total: 2000)
        _ = attempts.found(.success(Self.addresses), now: 0)
        #expect(words(attempts.failed(Self.refused, now: 900)) == "connectTimeout")
        var late = ConnectAttempts(deadline: 900, total: 500)
        #expect(late.remaining(100) == 400)
        _ = late.found(.success(Self.addresses), now: 0)
        #expect(words(late.failed(Self.refused, now: 500)) == "totalTimeout", "the call's own ceiling")
    }
}
