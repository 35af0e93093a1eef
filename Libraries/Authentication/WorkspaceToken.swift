import Crypto

/// A new token, whose secret is handed out once, and what is stored of it.
package struct WorkspaceToken: Sendable {
    /// 32 random bytes, base64url without padding.
    package let secret: String
    /// SHA-256 of the secret's text.
    package let hash: [UInt8]
    /// The first 8 characters, by which people tell tokens apart.
    package let prefix: String

    package static func make() -> WorkspaceToken {
        let secret = makeToken()
        return WorkspaceToken(secret: secret, hash: sha256(secret), prefix: String(secret.prefix(8)))
    }
}
