import COpenSSL

/// `count` bytes from the operating system's generator by way of OpenSSL's.
///
/// Traps when the generator is broken: there is no safe way on without it.
package func randomBytes(_ count: Int) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
        precondition(RAND_bytes(buffer.baseAddress, Int32(count)) == 1, "the random number generator failed")
        initialized = count
    }
}

/// A new bearer token: 32 random bytes in base64url without padding, 43 characters.
package func makeToken() -> String { base64URLEncode(randomBytes(32)) }
