import Configuration
import Crypto
import Foundation
import Testing

@testable import Secrets

@Suite("Keys of secrets, and what they seal")
struct SecretKeysTests {
    private static let one = "0123456789abcdef0123456789abcdef"
    private static let two = Data(repeating: 0xFB, count: 32).base64EncodedString()
    private let secretID = SecretID(workspace: UUID(), key: "API_KEY")

    @Test(
        "Keys are read raw or in base64, alone or in a list",
        arguments: [
            (one, 1), (two, 1), (String(two.dropLast()), 1), ("\(one),\(two)", 2), (" \(two) , \(one)", 2),
            ("\(one),", 1),
            (base64URLEncode(Array(repeating: 0xFB, count: 32)), 1), ("0,23456789abcdef0123456789abcdef", 1),
        ])
    func read(text: String, count: Int) {
        #expect(SecretKeys(text: text)?.ciphers.count == count)
    }

    @Test("What is no key is none", arguments: ["", "short", one + "0", "\(one),short", "!" + two, ","])
    func refused(text: String) {
        #expect(SecretKeys(text: text) == nil)
    }

    @Test("Outside of development there must be a key, and it is never shown")
    func configuration() {
        func problems(_ key: String?, isDevelopment: Bool = false) -> String {
            let reader = ConfigurationReader(environment: key.map { ["SECRETS_ENCRYPTION_KEY": $0] } ?? [:])
            _ = SecretKeys.read(reader, isDevelopment: isDevelopment)
            return reader.problems.map(\.description).joined()
        }
        #expect(problems(nil).contains("SECRETS_ENCRYPTION_KEY"))
        #expect(problems(nil, isDevelopment: true).isEmpty)
        #expect(problems(Self.one).isEmpty)
        let wrong = problems("not-a-key", isDevelopment: true)
        #expect(wrong.contains("SECRETS_ENCRYPTION_KEY") && !wrong.contains("not-a-key"))
    }

    @Test("A sealed value opens at its own secretID only, and never seals to the same bytes twice")
    func places() throws {
        let keys = try #require(SecretKeys(text: Self.one))
        let sealed = keys.seal("value", at: secretID)
        #expect(keys.open(sealed, at: secretID)?.value == "value")
        #expect(keys.seal("value", at: secretID) != sealed)
        for other in [
            SecretID(workspace: secretID.workspace, key: "API_KEY2"), SecretID(workspace: UUID(), key: secretID.key),
            SecretID(workspace: nil, key: secretID.key),
        ] {
            #expect(keys.open(sealed, at: other) == nil)
        }
        #expect(keys.open(SealedSecret(bytes: sealed.bytes, version: 2), at: secretID) == nil)
    }

    @Test("The first key encrypts, every key decrypts, and whether it was the first is returned")
    func rotation() throws {
        let old = try #require(SecretKeys(text: Self.one))
        let both = try #require(SecretKeys(text: "\(Self.two),\(Self.one)"))
        let new = try #require(SecretKeys(text: Self.two))
        let sealed = old.seal("value", at: secretID)
        #expect(both.isRotating && !new.isRotating)
        let opened = try #require(both.open(sealed, at: secretID))
        #expect(opened == ("value", false))
        #expect(new.open(sealed, at: secretID) == nil)
        let anew = try #require(new.open(both.seal("value", at: secretID), at: secretID))
        #expect(anew == ("value", true))
    }

    @Test("What an error says of itself is safe")
    func sentences() {
        #expect(SecretError(undecryptable: secretID).description == "failed to decrypt workspace secret")
        #expect(
            SecretError(undecryptable: SecretID(workspace: nil, key: "K")).description
                == "failed to decrypt global secret")
    }
}
