import Foundation
import HTTPCore
import JSONBytes
import Testing
import TestSupport

extension OperatorTests {
    /// Each documented operation, so that none that is added can be forgotten.
    @Suite("Read-only operators", .serialized)
    struct ViewerTests {
        /// Changes that are theirs, or none: signing in and out, and queries with a body.
        private static let allowed: Set<String> = [
            "POST /console/session", "DELETE /console/session", "POST /streams/tickets",
        ]
        /// They read by their method alone.
        private static let refused: Set<String> = [
            "GET /admin/workspaces/{id}/test-token", "GET /workspaces/{id}/secrets/values",
        ]
        private static let readOnly: JSONValue = ["error": "read-only token"]

        private let document: OpenAPIDocument

        init() throws { document = try OpenAPIDocument.read() }

        @Test("They read everything but secrets, and change nothing, in any service, by token or by session")
        func everyOperation() async throws {
            let environment = Fleet.production.merging(["MOLECULE_ENABLE_TEST_TOKENS": "1"]) { $1 }
            let platform = try await Platform.start(environment: environment)
            let body: JSONValue = ["name": "watcher", "role": "viewer"]
            let issued = try await platform.api.call(.post, "/org/tokens", body: body).json
            #expect(issued["role"] == "viewer")
            let token = try #require(issued["auth_token"]?.string)
            let caller = try OpenAPICaller(api: platform.api, document: document)
            var refusals = 0
            for operation in document.operations {
                let rule = try #require(operation.rule)
                guard rule != .none, rule != .signIn else { continue }
                let isRefused =
                    Self.refused.contains(operation.name)
                    || operation.method != "GET" && !Self.allowed.contains(operation.name)
                let credentials = [
                    OpenAPICaller.Credential(description: "a viewer's token", bearer: token),
                    // A new one: one of the operations ends it.
                    OpenAPICaller.Credential(
                        description: "a viewer's session", cookie: try await signIn(platform, token),
                        origin: platform.url),
                ]
                for var credential in credentials {
                    // The console's cookie is nothing to agents' routes, and to who needs none.
                    if credential.cookie != nil, [.registry, .discovery, .anyBearer].contains(rule) { continue }
                    let (own, other) = (try await caller.makeWorkspace(), try await caller.makeWorkspace())
                    if rule == .discovery { credential.caller = own.id }
                    let response = try await caller.call(operation, on: own, and: other, as: credential)
                    let what: Comment =
                        "\(operation) with \(credential): \(response.status) \(response.text.prefix(200))"
                    if isRefused {
                        #expect(response.status == 403 && response.json == Self.readOnly, what)
                        refusals += 1
                    } else {
                        #expect(response.status != 403 && response.status != 500, what)
                        #expect(response.status != 401, what)
                    }
                }
            }
            #expect(refusals > 60, "\(refusals)")
            await platform.stop()
        }

        private func signIn(_ platform: Platform, _ token: String) async throws -> String {
            let response = try await platform.api.call(
                .post, "/console/session", bearer: nil, body: ["token": .string(token)])
            return String(try #require(response.headers["set-cookie"]).prefix { $0 != ";" })
        }
    }
}
