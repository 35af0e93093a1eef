import Contracts
import Crypto
import Foundation

/// Identifies a secret: its key, of one workspace or global.
package struct SecretID: Sendable, Hashable {
    /// `nil` for a global secret, which all workspaces get.
    package let workspace: UUID?
    package let key: String

    package init(workspace: UUID?, key: String) {
        self.workspace = workspace
        self.key = key
    }

    /// The associated data of a sealed value: a row copied to another workspace or key, or from the global secrets to a
    /// workspace, cannot be opened there. No part can contain the separator.
    func context(version: Int) -> [UInt8] {
        Array("switchyard secret \(version)|\(workspace?.lowercased ?? "all")|\(key)".utf8)
    }
}

/// A secret's value as it is stored.
package struct SealedSecret: Sendable, Hashable {
    /// The current format of sealed values: AES-256-GCM with the secret's identity as associated data.
    static let currentVersion = 1

    /// Nonce, ciphertext and tag.
    let bytes: [UInt8]
    let version: Int
}

extension SecretKeys {
    /// Seals a value with the first key, under a fresh nonce.
    package func seal(_ value: String, at secretID: SecretID) -> SealedSecret {
        let version = SealedSecret.currentVersion
        let bytes = ciphers[0].seal(Array(value.utf8), context: secretID.context(version: version))
        return SealedSecret(bytes: bytes, version: version)
    }

    /// The value, and whether the first key sealed it; `nil` when no key opens it with this identity.
    package func open(_ sealed: SealedSecret, at secretID: SecretID) -> (value: String, isCurrent: Bool)? {
        guard sealed.version == SealedSecret.currentVersion else { return nil }
        let context = secretID.context(version: sealed.version)
        for (index, cipher) in ciphers.enumerated() {
            guard let bytes = cipher.open(sealed.bytes, context: context) else { continue }
            return (String(decoding: bytes, as: UTF8.self), index == 0)
        }
        return nil
    }
}
