import A2AProxy
import Concurrency
import Contracts
import Foundation
import PlatformInternals
import Testing
import TestSupport
import UVHTTPServer
import UVLoop

/// A store that cannot be queried does not mean that an agent shows no liveness.
@Suite struct IdleExtensionTests {
    /// How a call to an agent that never responds ended, with a ceiling behind its idle timeout.
    private func outcome(
        _ proxy: ProxyFixture, _ id: UUID, at url: String, ceiling: Duration
    ) async throws -> String {
        let target = Target(
            position: TreePosition(id: id, ancestors: []), status: .online, url: url,
            idleTimeout: .milliseconds(100))
        let clientURL = try #require(target.url)
        let options = AgentClient.Options(ceiling: ceiling)
        guard case .ended(.busy(let reason, _)) = await proxy.agents.call(target, url: clientURL, message: [], options)
        else { return "another" }
        return "\(reason)"
    }

    @Test func anUnreachableDatabaseEndsNoCall() async throws {
        let gate = Gate()
        defer { gate.open() }
        try await LocalAgent.with {
            await gate.wait()
            return .text("late")
        } _: { agent in
            try await ProxyFixture.with(try await SharedServers.postgres().makeMigratedDatabase()) { proxy in
                let id = try await proxy.workspace(at: agent.url)
                // The first question waits for no connection.
                _ = try await proxy.liveness.silence(of: id, below: .zero)
                #expect(try await outcome(proxy, id, at: agent.url, ceiling: .seconds(60)) == "idleTimeout")
            }
            let nowhere = "postgres://switchyard@127.0.0.1:\(try Ports.free())/none"
            try await ProxyFixture.with(nowhere) { proxy in
                let reason = try await outcome(proxy, UUID(), at: agent.url, ceiling: .seconds(4))
                #expect(reason == "deadline")
            }
        }
    }

    @Test func suspicionEnds() {
        let suspects = IdleExtensionLimit()
        var count = 0
        while suspects.next() != nil { count += 1 }
        #expect(count == 24)
        suspects.end()
        #expect(suspects.next() == .seconds(5))
    }
}
