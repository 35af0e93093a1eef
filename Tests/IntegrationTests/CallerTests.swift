import Foundation
import HTTPCore
import JSONBytes
import Testing
import TestSupport

extension RegistryProcessTests {
    @Suite("Who says to be calling", .serialized)
    struct CallerTests {
        private static let production = [
            "MOLECULE_ENV": "production", "SECRETS_ENCRYPTION_KEY": "0123456789abcdef0123456789abcdef",
        ]

        @Test("The platform's own callers come from inside alone: no client may claim to be one, whatever its bearer")
        func prefixes() async throws {
            let agent = try await RespondingAgent.start()
            try await Fleet.with(["registry", "a2a-proxy"]) { fleet in
                let (target, token) = try await fleet.create(["url": .string(agent.url)])
                let body: JSONValue = [
                    "method": "message/send",
                    "params": ["message": ["role": "user", "parts": [["kind": "text", "text": "hello"]]]],
                ]
                func send(_ caller: String, _ bearer: String?) async throws -> API.ReceivedResponse {
                    try await fleet.apis[1].call(
                        .post, "/workspaces/\(target)/a2a", bearer: bearer, body: body,
                        headers: ["X-Workspace-ID": caller])
                }
                for caller in ["webhook:github", "system:", "test:x", "channel:\(target)"] {
                    for bearer in [Platform.adminToken, token, "wrong", nil] {
                        let refused = try await send(caller, bearer)
                        #expect(refused.status == 403 && refused.text == #"{"error":"invalid caller ID"}"#, "\(caller)")
                    }
                }
                for caller in ["webhook", "Webhook:x", "somebody"] {
                    #expect(try await send(caller, Platform.adminToken).status == 400, "\(caller)")
                }
                #expect(try await send(target, Platform.adminToken).status == 200)
            }
            await agent.stop()
        }

        @Test("Tokens for tests exist in development and where they are switched on, and behind the operator's bearer")
        func testTokens() async throws {
            try await Fleet.with(["registry"]) { fleet in
                let (id, own) = try await fleet.create()
                let path = "/admin/workspaces/\(id)/test-token"
                let issued = try await fleet.api.call(.get, path)
                let token = try #require(issued.json["auth_token"]?.string)
                #expect(issued.status == 200 && issued.json["workspace_id"]?.string == id)
                #expect(try await fleet.api.call(.get, "/workspaces/\(id)/tokens", bearer: token).status == 200)
                try await fleet.start("registry", with: Self.production) { (api) async throws in
                    for bearer in [Platform.adminToken, own, nil] {
                        #expect(try await api.call(.get, path, bearer: bearer).status == 404)
                    }
                }
                let switchedOn = Self.production.merging(["MOLECULE_ENABLE_TEST_TOKENS": "1"]) { $1 }
                try await fleet.start("registry", with: switchedOn) { (api) async throws in
                    for bearer in [own, "wrong", nil] {
                        #expect(try await api.call(.get, path, bearer: bearer).status == 401)
                    }
                    #expect(try await api.call(.get, path).status == 200)
                    #expect(try await api.call(.get, "/admin/workspaces/x/test-token").status == 400)
                    #expect(try await api.call(.get, "/admin/workspaces/\(UUID())/test-token").status == 404)
                }
            }
        }
    }
}
