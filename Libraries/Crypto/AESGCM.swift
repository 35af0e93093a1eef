import COpenSSL

/// Encrypts and authenticates with AES-256 in Galois/counter mode.
///
/// What is sealed is `nonce (12 bytes) | ciphertext | tag (16 bytes)`. Each sealing draws a fresh random nonce; with
/// random nonces one key is good for 2^32 messages (NIST SP 800-38D, section 8.3).
package struct AESGCM: Sendable {
    package static let keyLength = 32
    private static let nonceLength = 12
    private static let tagLength = 16

    private let key: [UInt8]

    /// - Parameter key: 32 bytes; nil for any other length.
    package init?(key: [UInt8]) {
        guard key.count == Self.keyLength else { return nil }
        self.key = key
    }

    /// Encrypts `plaintext` under a nonce of its own.
    ///
    /// - Parameter context: what the result is bound to (a row's id, a name): opening it in another context fails.
    package func seal(_ plaintext: [UInt8], context: [UInt8] = []) -> [UInt8] {
        let nonce = randomBytes(Self.nonceLength)
        var tag = [UInt8](repeating: 0, count: Self.tagLength)
        let sealed = CipherOperation(encrypts: true, key: key, nonce: nonce)
            .run(plaintext, context: context) { EVP_CIPHER_CTX_ctrl($0, EVP_CTRL_AEAD_GET_TAG, 16, &tag) == 1 }
        // With lengths that are right by construction, only a broken library or lack of memory can make this fail.
        guard let sealed else { preconditionFailure("AES-GCM is not available") }
        return nonce + sealed + tag
    }

    /// The plaintext, or nil when the key or the context is another one, or any byte was changed.
    package func open(_ sealed: [UInt8], context: [UInt8] = []) -> [UInt8]? {
        guard sealed.count >= Self.nonceLength + Self.tagLength else { return nil }
        let nonce = Array(sealed.prefix(Self.nonceLength))
        let ciphertext = Array(sealed.dropFirst(Self.nonceLength).dropLast(Self.tagLength))
        var tag = Array(sealed.suffix(Self.tagLength))
        return CipherOperation(encrypts: false, key: key, nonce: nonce)
            .run(ciphertext, context: context) { EVP_CIPHER_CTX_ctrl($0, EVP_CTRL_AEAD_SET_TAG, 16, &tag) == 1 }
    }

    /// One encryption or decryption.
    private struct CipherOperation {
        let encrypts: Bool
        let key: [UInt8]
        let nonce: [UInt8]

        /// - Parameter exchangeTag: fetches the tag behind an encryption, or sets the one to check before a decryption
        ///   ends.
        /// - Returns: nil when the library refused, which for a decryption means that the tag does not fit.
        func run(_ input: [UInt8], context: [UInt8], exchangeTag: (OpaquePointer) -> Bool) -> [UInt8]? {
            guard let cipher = EVP_CIPHER_CTX_new() else { return nil }
            defer { EVP_CIPHER_CTX_free(cipher) }  // also wipes the key from it
            var length: Int32 = 0
            guard EVP_CipherInit_ex(cipher, EVP_aes_256_gcm(), nil, key, nonce, encrypts ? 1 : 0) == 1,
                context.isEmpty || EVP_CipherUpdate(cipher, nil, &length, context, Int32(context.count)) == 1
            else { return nil }
            var output = [UInt8](repeating: 0, count: input.count)
            guard input.isEmpty || EVP_CipherUpdate(cipher, &output, &length, input, Int32(input.count)) == 1 else {
                return nil
            }
            var none: UInt8 = 0  // a stream cipher has nothing left at the end
            guard encrypts || exchangeTag(cipher), EVP_CipherFinal_ex(cipher, &none, &length) == 1,
                !encrypts || exchangeTag(cipher)
            else { return nil }
            return output
        }
    }
}
