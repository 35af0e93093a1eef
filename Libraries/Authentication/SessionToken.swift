import Crypto

/// A fresh session of the console as its cookie carries it, and what is kept of it.
package struct SessionToken: Sendable {
    /// 32 random bytes, base64url without padding.
    package let secret: String
    /// SHA-256 of the secret's text.
    package let hash: [UInt8]

    static func make() -> SessionToken {
        let secret = makeToken()
        return SessionToken(secret: secret, hash: sha256(secret))
    }

    /// Says which administrator's token a session was made from, to whoever has both. The session's secret stands before
    /// it: from the table alone, which has none of the two, not even a weak token can be found by trying.
    ///
    /// - Parameter credential: SHA-256 of the administrator's token.
    static func digest(_ secret: String, madeFrom credential: [UInt8]) -> [UInt8] {
        sha256(Array(secret.utf8) + credential)
    }
}

/// Who has signed in, and with what.
package struct SignIn: Sendable {
    package let identity: Identity
    /// Of an org token.
    package let name: String?
    /// Of an org token: its first 8 characters.
    package let prefix: String?
}

/// A sign-in that was let in, with the session to be made of it.
package struct NewSession: Sendable {
    package let token: SessionToken
    package let holder: SignIn
    /// Which administrator's token it was made from; nil of an org token.
    package let credentialDigest: [UInt8]?
}
