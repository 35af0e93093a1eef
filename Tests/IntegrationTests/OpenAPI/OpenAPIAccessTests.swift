import Foundation
import HTTPCore
import JSONBytes
import Templates
import Testing

/// The document's rules of access against what the services do, through the gateway: each operation, made of its
/// examples.
extension PlatformTests {
    @Suite("Documented access", .serialized)
    struct OpenAPIAccessTests {
        /// Not development, whose openness would hide what is missing.
        private static let environment = [
            "MOLECULE_ENV": "production", "SECRETS_ENCRYPTION_KEY": "0123456789abcdef0123456789abcdef",
            "MOLECULE_ENABLE_TEST_TOKENS": "1",
        ]

        private let document: OpenAPIDocument

        init() throws { document = try OpenAPIDocument.read() }

        @Test("What is documented to need a credential is refused without it, and served with it")
        func access() async throws {
            let platform = try await Platform.start(environment: Self.environment)
            let caller = try OpenAPICaller(api: platform.api, document: document)
            for operation in document.operations {
                try await refuses(operation, caller)
                try await accepts(operation, caller)
                try await survives(operation, caller)
            }
            try await letsBrowsers(platform.api)
            await platform.stop()
        }

        private func refuses(_ operation: OpenAPIOperation, _ caller: OpenAPICaller) async throws {
            let rule = try #require(operation.rule)
            let (own, other) = (try await caller.makeWorkspace(), try await caller.makeWorkspace())
            for credential in rule.refused(own, other) {
                let response = try await caller.call(operation, on: own, and: other, as: credential)
                expectRefusal(response, operation, "with \(credential)")
            }
            guard rule.demandsCredential else { return }
            let nothing = try #require(rule.refused(own, other).first)
            // An unauthorised caller gets no details on its request, unless the request itself identifies the caller.
            if rule != .registry {
                let response = try await caller.call(
                    operation, on: own, and: other, as: nothing, path: operation.path(with: "nonsense"))
                expectRefusal(response, operation, "with a bad id and nothing")
            }
            if operation.takesBody, rule != .registry {
                let response = try await caller.call(operation, on: own, and: other, as: nothing, body: "{")
                expectRefusal(response, operation, "with a bad body and nothing")
            }
        }

        private func expectRefusal(_ response: API.ReceivedResponse, _ operation: OpenAPIOperation, _ what: String) {
            #expect(response.status == 401, "\(operation) \(what): \(response.text.prefix(200))")
            expectDocumented(response, operation, what)
        }

        private func accepts(_ operation: OpenAPIOperation, _ caller: OpenAPICaller) async throws {
            let rule = try #require(operation.rule)
            // Each call has workspaces of its own: some remove theirs.
            for index in rule.accepted(try await caller.makeWorkspace()).indices {
                let (own, other) = (try await caller.makeWorkspace(), try await caller.makeWorkspace())
                let credential = rule.accepted(own)[index]
                // An item that does not exist has no owner.
                if operation.path == "/queue/{queue_id}", credential.bearer != Platform.adminToken { continue }
                let response = try await caller.call(operation, on: own, and: other, as: credential)
                let what = "with \(credential)"
                #expect(
                    response.status != 401 && response.status != 403,
                    "\(operation) \(what): \(response.text.prefix(200))")
                expectDocumented(response, operation, what)
            }
        }

        /// An operator's request about a workspace that does not exist has a documented response, too.
        private func survives(_ operation: OpenAPIOperation, _ caller: OpenAPICaller) async throws {
            let rule = try #require(operation.rule)
            let other = try await caller.makeWorkspace()
            let unknown = OpenAPICaller.Workspace(id: UUID().uuidString.lowercased(), token: "")
            for credential in rule.accepted(unknown) where credential.bearer == Platform.adminToken {
                let response = try await caller.call(operation, on: unknown, and: other, as: credential)
                #expect(response.status != 500, "\(operation) on no workspace: \(response.text.prefix(200))")
                expectDocumented(response, operation, "on no workspace")
            }
        }

        private func expectDocumented(_ response: API.ReceivedResponse, _ operation: OpenAPIOperation, _ what: String) {
            let text: Comment = "\(operation) \(what): \(response.status) \(response.text.prefix(200))"
            #expect(operation.responses[String(response.status)] != nil, text)
            guard let schema = operation.schema(response.status), !response.isEventStream else { return }
            do {
                #expect(try SchemaCheck(document: document.yaml).problems(response.json, schema) == [], text)
            } catch {
                Issue.record(error, text)
            }
        }

        /// A page of an allowed origin may send every header that is documented, and read each of a response.
        private func letsBrowsers(_ api: API) async throws {
            let origin = (name: "Origin", value: "http://localhost:3000")
            let preflight = try await api.raw(
                .options, "/workspaces", bearer: nil, body: nil, type: "",
                headers: [origin, ("Access-Control-Request-Method", "POST")])
            let sent = document.operations.flatMap(\.headerNames) + ["X-Workspace-ID", "Authorization", "Content-Type"]
            expect(sent, in: preflight.headers["access-control-allow-headers"])
            let response = try await api.raw(.get, "/health", bearer: nil, body: nil, type: "", headers: [origin])
            let read = (document.root["components"]?["headers"]?.members ?? [:]).keys
            expect(Array(read), in: response.headers["access-control-expose-headers"])
        }

        private func expect(_ names: [String], in list: String?) {
            let listed = Set((list ?? "").split(separator: ",").map { $0.drop { $0 == " " }.lowercased() })
            #expect(Set(names.map { $0.lowercased() }).subtracting(listed).sorted() == [], "\(list ?? "no list")")
        }
    }
}
