import ASCIIText
import COpenSSL

/// The SHA-256 digest of `bytes`: 32 bytes.
package func sha256(_ bytes: [UInt8]) -> [UInt8] {
    bytes.withUnsafeBytes { sha256($0) }
}

/// The SHA-256 digest of a string's UTF-8 bytes: 32 bytes.
package func sha256(_ text: String) -> [UInt8] {
    var text = text
    return text.withUTF8 { sha256(UnsafeRawBufferPointer($0)) }
}

private func sha256(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: Int(SHA256_DIGEST_LENGTH)) { digest, count in
        switchyard_sha256(bytes.baseAddress, bytes.count, digest.baseAddress)
        count = Int(SHA256_DIGEST_LENGTH)
    }
}

/// The SHA-1 digest of a string's UTF-8 bytes: 20 bytes. For protocols that demand it, never for security.
package func sha1(_ text: String) -> [UInt8] {
    var text = text
    return text.withUTF8 { bytes in
        [UInt8](unsafeUninitializedCapacity: Int(SHA_DIGEST_LENGTH)) { digest, count in
            switchyard_sha1(bytes.baseAddress, bytes.count, digest.baseAddress)
            count = Int(SHA_DIGEST_LENGTH)
        }
    }
}

/// Lower-case hexadecimal digits, two a byte.
package func hex(_ bytes: some Collection<UInt8>) -> String { HexText.string(bytes) }

/// Whether two byte strings are equal, in a time that depends on their lengths only.
package func constantTimeEquals(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    guard left.count == right.count else { return false }
    return left.withUnsafeBytes { first in
        right.withUnsafeBytes { second in
            // CRYPTO_memcmp must not be handed a null pointer, which an empty array may give.
            first.isEmpty || CRYPTO_memcmp(first.baseAddress, second.baseAddress, first.count) == 0
        }
    }
}
