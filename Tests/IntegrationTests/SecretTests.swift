import Foundation
import HTTPCore
import JSONBytes
import Postgres
import Testing
import TestSupport

extension RegistryProcessTests {
    @Suite("Secrets over HTTP", .serialized)
    struct SecretTests {
        private static let one = "0123456789abcdef0123456789abcdef"
        private static let two = "fedcba9876543210fedcba9876543210"
        private static let unknown = "99999999-9999-4999-8999-999999999999"

        @Test("Set, listed without values, overridden, read by the workspace alone, deleted")
        func lifecycle() async throws {
            try await Fleet.with(["registry"], environment: ["SECRETS_ENCRYPTION_KEY": Self.one]) { fleet in
                let api = fleet.api
                let (id, token) = try await fleet.create()
                let stranger = try await fleet.create().token
                let own = "/workspaces/\(id)/secrets"
                let shared: JSONValue = ["key": "API_KEY", "value": "shared-value"]
                #expect(try await api.call(.put, "/settings/secrets", body: shared).text == #"{"status":"saved"}"#)
                let two: JSONValue = ["key": "OTHER", "value": "line\nline \"ä\""]
                #expect(try await api.call(.post, "/admin/secrets", body: two).status == 200)
                let mine: JSONValue = ["key": "API_KEY", "value": "own-value"]
                #expect(try await api.call(.post, own, bearer: token, body: mine).status == 200)

                let list = try await api.call(.get, own, bearer: token)
                #expect(list.json.array?.count == 1 && list.json[0]?["key"]?.string == "API_KEY")
                #expect(Set(list.json[0]?.object?.keys.map { $0 } ?? []) == ["key", "created_at", "updated_at"])
                let all = try await api.call(.get, "/settings/secrets")
                #expect(all.json.array?.compactMap { $0["key"]?.string } == ["API_KEY", "OTHER"])
                #expect(try await api.call(.get, "/admin/secrets").text == all.text)
                #expect(!(list.text + all.text).contains("value"))

                let values = try await api.call(.get, own + "/values", bearer: token)
                #expect(values.json == ["API_KEY": "own-value", "OTHER": "line\nline \"ä\""])
                #expect(values.headers["cache-control"] == "no-store")
                #expect(try await api.call(.get, own + "/values").status == 403)
                #expect(try await api.call(.get, own + "/values", bearer: stranger).status == 401)
                #expect(try await api.call(.get, own + "/values", bearer: nil).status == 401)
                #expect(try await api.call(.get, own, bearer: stranger).status == 401)
                #expect(try await api.call(.get, "/settings/secrets", bearer: token).status == 401)

                #expect(try await api.call(.delete, own + "/API_KEY", bearer: token).text == #"{"status":"deleted"}"#)
                #expect(try await api.call(.delete, own + "/API_KEY", bearer: token).status == 404)
                #expect(try await api.call(.delete, "/admin/secrets/OTHER").status == 200)
                #expect(
                    try await api.call(.get, own + "/values", bearer: token).json == ["API_KEY": "shared-value"])
            }
        }

        @Test("What cannot be a secret is refused by field")
        func refusals() async throws {
            try await Fleet.with(["registry"]) { fleet in
                let id = try await fleet.create().id
                let wrong: [(JSONValue, String)] = [
                    (["value": "x"], "key"), (["key": "A"], "value"), (["key": 1, "value": "x"], "key"),
                    (["key": "A", "value": 1], "value"), (["key": "1A", "value": "x"], "key"),
                    (["key": "A", "value": "a\u{0}b"], "value"),
                    (["key": "A", "value": .string(String(repeating: "x", count: 65_537))], "value"),
                ]
                for path in ["/workspaces/\(id)/secrets", "/settings/secrets"] {
                    for (body, field) in wrong {
                        let response = try await fleet.api.call(.put, path, body: body)
                        #expect(response.status == 400 && response.json["field"]?.string == field, "\(field)")
                    }
                    #expect(try await fleet.api.call(.delete, path + "/A-B").status == 400)
                    #expect(try await fleet.api.call(.delete, path + "/NONE").status == 404)
                }
                let body: JSONValue = ["key": "A", "value": "x"]
                #expect(try await fleet.api.call(.put, "/workspaces/\(Self.unknown)/secrets", body: body).status == 404)
                #expect(try await fleet.api.call(.get, "/workspaces/\(Self.unknown)/secrets").status == 404)
            }
        }

        @Test("Of an undecryptable secret only the error message is shown, in responses and in logs")
        func undecryptable() async throws {
            try await Fleet.with(["registry"], environment: ["SECRETS_ENCRYPTION_KEY": Self.one]) { fleet in
                let (id, token) = try await fleet.create()
                let path = "/workspaces/\(id)/secrets"
                let body: JSONValue = ["key": "HIDDEN_NAME", "value": "hidden-value"]
                #expect(try await fleet.api.call(.put, path, bearer: token, body: body).status == 200)
                try await fleet.sql("UPDATE workspace_secrets SET version = 2004711007")
                let failed = try await fleet.api.call(.get, path + "/values", bearer: token)
                #expect(failed.status == 500)
                #expect(failed.text == #"{"error":"failed to decrypt workspace secret"}"#)

                #expect(try await fleet.api.call(.put, "/settings/secrets", body: body).status == 200)
                try await fleet.sql("DELETE FROM workspace_secrets")
                try await fleet.sql("UPDATE global_secrets SET encrypted_value = '\\x00112233'")
                let global = try await fleet.api.call(.get, path + "/values", bearer: token)
                #expect(global.text == #"{"error":"failed to decrypt global secret"}"#)

                let log = fleet.services[0].output
                #expect(log.contains("failed to decrypt global secret"))
                for text in ["HIDDEN_NAME", "hidden-value", "2004711007", "00112233", "SQL", "bytea", Self.one] {
                    #expect(!log.contains(text), "\(text) in the log")
                }
            }
        }

        @Test("A registry that is given a new key before the old one seals everything anew, and then needs it alone")
        func rotation() async throws {
            try await Fleet.with(["registry"], environment: ["SECRETS_ENCRYPTION_KEY": Self.one]) { fleet in
                let (id, token) = try await fleet.create()
                let path = "/workspaces/\(id)/secrets"
                let body: JSONValue = ["key": "A", "value": "value"]
                #expect(try await fleet.api.call(.put, path, bearer: token, body: body).status == 200)
                let before = try await fleet.sql("SELECT encrypted_value FROM workspace_secrets")[0].bytea(0)
                try await fleet.start(
                    "registry", with: ["SECRETS_ENCRYPTION_KEY": "\(Self.two),\(Self.one)"]
                ) { _ in
                    try await eventually("the secret to be sealed anew") {
                        try await fleet.sql("SELECT encrypted_value FROM workspace_secrets")[0].bytea(0) != before
                    }
                }
                try await fleet.start("registry", with: ["SECRETS_ENCRYPTION_KEY": Self.two]) { api in
                    let values = try await api.call(.get, path + "/values", bearer: token)
                    #expect(values.json == ["A": "value"])
                }
            }
        }
    }
}
