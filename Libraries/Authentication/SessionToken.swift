import Crypto

/// The secret of a new session of the console, as its cookie carries it, and the hash that is stored.
package struct SessionToken: Sendable {
    /// 32 random bytes, base64url without padding.
    package let secret: String
    /// SHA-256 of the secret's text.
    package let hash: [UInt8]

    static func make() -> SessionToken {
        let secret = makeToken()
        return SessionToken(secret: secret, hash: sha256(secret))
    }

    /// Binds a session to the administrator's token that it was made from. The session's secret is the prefix of the
    /// digest's input: with the table alone, which has neither of the two, not even a weak token can be guessed.
    ///
    /// - Parameter credential: SHA-256 of the administrator's token.
    static func digest(_ secret: String, madeFrom credential: [UInt8]) -> [UInt8] {
        sha256(Array(secret.utf8) + credential)
    }
}

/// An operator who has signed in, and the token used for it.
package struct SignIn: Sendable {
    package let identity: Identity
    /// Of an org token.
    package let name: String?
    /// Of an org token: its first 8 characters.
    package let prefix: String?
}

/// An accepted sign-in, with the session to be stored for it.
package struct NewSession: Sendable {
    package let token: SessionToken
    package let holder: SignIn
    /// Binds it to the administrator's token that it was made from; nil for an org token.
    package let credentialDigest: [UInt8]?
}
