import Configuration
import Crypto
import Foundation

/// The keys that secrets are encrypted with: the first seals, all open, so that a new one can be prepended.
package struct SecretKeys: Sendable {
    private static let variable = "SECRETS_ENCRYPTION_KEY"

    /// At least one.
    let ciphers: [AESGCM]

    /// - Parameter keys: 32 bytes each; `nil` for none, or when one has another length.
    package init?(_ keys: [[UInt8]]) {
        let ciphers = keys.compactMap { AESGCM(key: $0) }
        guard !ciphers.isEmpty, ciphers.count == keys.count else { return nil }
        self.ciphers = ciphers
    }

    /// Reads keys as written in the environment: each of 32 bytes, raw or in base64, separated by commas. A raw key
    /// that contains a comma can only be the single key.
    package init?(text: String) {
        let raw = Array(text.utf8)
        if raw.count == AESGCM.keyLength {
            self.init([raw])
        } else {
            self.init(text.split(separator: ",").map { Self.key($0.trimmingCharacters(in: .whitespaces)) })
        }
    }

    private static func key(_ text: String) -> [UInt8] {
        if text.utf8.count == AESGCM.keyLength { return Array(text.utf8) }
        return base64URLDecode(text.replacing("+", with: "-").replacing("/", with: "_").trimmingSuffix("=")) ?? []
    }

    /// Whether there are keys that are still to be replaced by the first.
    package var isRotating: Bool { ciphers.count > 1 }

    /// Reads `SECRETS_ENCRYPTION_KEY`. Only development may start without it, with a well-known key that protects
    /// nothing.
    package static func read(_ reader: ConfigurationReader, isDevelopment: Bool) -> SecretKeys {
        let text = reader.optionalString(
            variable, secret: true,
            "Encrypts secrets: 32 bytes, raw or base64; several, comma separated: the first encrypts, all decrypt.")
        if let text {
            if let keys = SecretKeys(text: text) { return keys }
            reader.problem(variable, expected: "keys of 32 bytes, raw or base64, separated by commas")
        } else if !isDevelopment {
            reader.problem(variable, expected: "a key: without one only MOLECULE_ENV=development may start")
        }
        return development
    }

    private static let development = SecretKeys([sha256("switchyard development")])!  // a digest has 32 bytes
}

extension String {
    fileprivate func trimmingSuffix(_ character: Character) -> String {
        var text = self[...]
        while text.last == character { text.removeLast() }
        return String(text)
    }
}
