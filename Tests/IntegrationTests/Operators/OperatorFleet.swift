import Foundation
import HTTPCore
import JSONBytes
import Testing
import TestSupport

/// What operators do, over all five services.
@Suite("Operators", .serialized)
enum OperatorTests {}

extension Fleet {
    /// The registry first, which makes workspaces.
    static let allServices = ["registry", "a2a-proxy", "scheduler", "notifier", "sweeper"]
    /// Not development, whose openness would hide what is missing.
    static let production = [
        "MOLECULE_ENV": "production", "SECRETS_ENCRYPTION_KEY": "0123456789abcdef0123456789abcdef",
    ]

    var notifier: API { apis[3] }

    /// The origin of a service, as a browser has it.
    func origin(_ index: Int) -> String { services[index].baseURL }

    /// Signs in at the console: the cookie.
    func signIn(_ token: String = Platform.adminToken) async throws -> String {
        let response = try await notifier.call(.post, "/console/session", bearer: nil, body: ["token": .string(token)])
        guard response.status == 200, let field = response.headers["set-cookie"], let end = field.firstIndex(of: ";")
        else {
            throw TimedOut("sign in: \(response.status) \(response.text)")
        }
        return String(field[..<end])
    }

    /// Issues an operator's token.
    func issue(_ name: String, role: String = "operator") async throws -> (id: String, token: String) {
        let body: JSONValue = ["name": .string(name), "role": .string(role)]
        let response = try await api.call(.post, "/org/tokens", body: body)
        guard response.status == 201, let id = response.json["id"]?.string,
            let token = response.json["auth_token"]?.string
        else { throw TimedOut("issue: \(response.status) \(response.text)") }
        return (id, token)
    }
}
