import A2AProxy
import Contracts
import Foundation
import HTTPCore
import PlatformInternals
import Testing
import TestSupport
import UVHTTPServer

/// Agents that compress their responses, though they are requested not to.
@Suite struct CodedResponseTests {
    private static let json = #"{"result":{"parts":[{"kind":"text","text":"done"}]}}"#

    /// How a call ends whose agent responds so.
    private func outcome(
        _ status: HTTPStatus = 200, in coding: String, _ body: [UInt8], limit: Int = 10 << 20
    ) async throws -> CallOutcome {
        var settings = A2AProxySettings()
        settings.responseLimit = limit
        var found: CallOutcome?
        try await LocalAgent.with {
            Response(
                status, headers: ["Content-Type": "application/json", "Content-Encoding": coding, "Retry-After": "7"],
                body: .bytes(body))
        } _: { agent in
            try await ProxyFixture.with(try await SharedServers.postgres().makeMigratedDatabase(), settings) { proxy in
                let target = Target(
                    position: TreePosition(id: UUID(), ancestors: []), status: .online, url: agent.url)
                let url = try #require(target.url)
                if case .ended(let outcome) = await proxy.agents.call(target, url: url, message: [], .init()) {
                    found = outcome
                }
            }
        }
        return try #require(found)
    }

    @Test(arguments: [("gzip", Compressed.Format.gzip), ("deflate", .zlib), ("deflate", .bare)])
    func areRead(_ coding: String, _ format: Compressed.Format) async throws {
        for text in [Self.json, #"{"result":""# + String(repeating: "ab", count: 200_000) + #""}"#] {
            let outcome = try await outcome(in: coding, Compressed.bytes(Array(text.utf8), as: format))
            guard case .responded(let response) = outcome else {
                Issue.record("\(outcome)")
                return
            }
            #expect(response.status == 200)
            #expect(response.contentType == "application/json")
            let isText = response.body == Array(text.utf8)
            #expect(isText)
        }
    }

    @Test func mayNotBecomeLargerThanAnyOther() async throws {
        let bomb = Compressed.bytes([UInt8](repeating: 0x20, count: 2 << 20))
        guard case .responseLost(deliveryConfirmed: true) = try await outcome(in: "gzip", bomb, limit: 1 << 20) else {
            Issue.record("another outcome")
            return
        }
    }

    @Test func anUnreadableOneFails() async throws {
        guard case .responseLost(deliveryConfirmed: true) = try await outcome(in: "br", [1, 2, 3]) else {
            Issue.record("another outcome")
            return
        }
    }

    /// Its status says enough.
    @Test func aFailureNeedsNoBody() async throws {
        guard case .responded(let response) = try await outcome(404, in: "br", [1, 2, 3]) else {
            Issue.record("another outcome")
            return
        }
        #expect(response.status == 404)
        #expect(response.errorText == "Not Found")
        guard case .busy(.unavailable, retryAfter: .seconds(7)) = try await outcome(503, in: "br", [1, 2, 3]) else {
            Issue.record("another outcome")
            return
        }
    }
}
