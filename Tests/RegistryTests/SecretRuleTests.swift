import Contracts
import HTTPCore
import Testing
import UVHTTPServer

@testable import Registry

@Suite("What may be a secret")
struct SecretRuleTests {
    @Test("Names and values that an environment can hold", arguments: ["A", "_", "a1", "OPENAI_API_KEY", "_0"])
    func fitting(key: String) throws {
        try SecretRule.check(SecretRequest(key: key, value: ""))
        try SecretRule.check(SecretRequest(key: key, value: String(repeating: "x", count: 65_536)))
    }

    @Test("Names that it cannot", arguments: ["", "1A", "A-B", "A B", "Ä", "A\n", "A=B", "A\u{0}", "A.B"])
    func keys(key: String) {
        let error = #expect(throws: APIError.self) { try SecretRule.check(SecretRequest(key: key, value: "x")) }
        #expect(error?.status == .badRequest && error?.field == "key")
    }

    @Test("Values that it cannot", arguments: ["a\u{0}b", String(repeating: "ä", count: 32_769)])
    func values(value: String) {
        let error = #expect(throws: APIError.self) { try SecretRule.check(SecretRequest(key: "A", value: value)) }
        #expect(error?.status == .badRequest && error?.field == "value")
    }
}
