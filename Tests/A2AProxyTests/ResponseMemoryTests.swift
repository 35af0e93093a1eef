import A2AProxy
import Authentication
import Contracts
import Foundation
import PlatformInternals
import Testing
import TestSupport
import UVHTTPServer

/// Responses that come while the memory budget is used up.
@Suite struct ResponseMemoryTests {
    private static let length = 200_000

    /// Runs a test with a proxy whose response memory is all reserved, until `body` releases the reservations it gets.
    ///
    /// - Parameter timeout: of a response that waits for memory.
    private func with(
        timeout: Duration, _ body: (ProxyFixture, Target, inout [MemoryReservation]) async throws -> Void
    ) async throws {
        var settings = A2AProxySettings()
        settings.responseBudget = 300_000
        let text = String(repeating: "x", count: Self.length)
        try await LocalAgent.with {
            .text(text)
        } _: { agent in
            let database = try await SharedServers.postgres().makeMigratedDatabase()
            try await ProxyFixture.with(database, settings) { proxy in
                let target = Target(
                    position: TreePosition(id: UUID(), ancestors: []), status: .online, url: agent.url,
                    idleTimeout: timeout)
                // Of others than those that the test calls for.
                var shares = [UUID(), UUID()].map { proxy.budget.makeReservation(for: .caller(.workspace($0))) }
                for share in shares { #expect(await share.grow(to: 300_000, ofAtMost: 300_000, within: .zero)) }
                try await body(proxy, target, &shares)
                shares = []
                try await eventually("everything to be given back") { proxy.budget.bytesLeft == 300_000 }
            }
        }
    }

    private func call(_ proxy: ProxyFixture, _ target: Target) async throws -> CallOutcome? {
        let url = try #require(target.url)
        guard case .ended(let outcome) = await proxy.agents.call(target, url: url, message: [], .init()) else {
            return nil
        }
        return outcome
    }

    /// More of them than fit: all arrive.
    @Test func responsesWaitForMemory() async throws {
        try await with(timeout: .seconds(60)) { proxy, target, shares in
            let calls = (0..<3).map { _ in
                Task { () -> Int? in
                    guard case .responded(let response) = try await call(proxy, target) else { return nil }
                    return response.body.count
                }
            }
            try await eventually("all of them to wait") { proxy.budget.waiting == 3 }
            shares = []
            for call in calls { #expect(try await call.value == Self.length) }
        }
    }

    @Test func oneThatFindsNoneIsNoFailureOfTheAgents() async throws {
        try await with(timeout: .seconds(5)) { proxy, target, shares in
            guard case .memoryExhausted = try await call(proxy, target) else {
                Issue.record("another outcome")
                return
            }
            withExtendedLifetime(shares) {}
        }
    }

    @Test func aCallThatIsGivenUpWaitsNoLonger() async throws {
        try await with(timeout: .seconds(3600)) { proxy, target, shares in
            let task = Task { try await call(proxy, target) }
            try await eventually("it to wait") { proxy.budget.waiting == 1 }
            task.cancel()
            try await eventually("it to give up") { proxy.budget.waiting == 0 }
            guard case .abandoned(mayBeDelivered: true) = try await task.value else {
                Issue.record("another outcome")
                return
            }
            withExtendedLifetime(shares) {}
        }
    }
}
