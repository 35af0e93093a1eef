import Contracts
import HTTPCore
import PlatformInternals
import ServiceHost
import UVHTTPServer

/// Validates a secret: its name and value must be possible in a process environment.
enum SecretRule {
    /// - Throws: `APIError` 400 naming the field.
    static func check(_ request: SecretRequest) throws(APIError) {
        try check(key: request.key)
        try APIError.check("value", bytes: request.value.utf8.count, upTo: Limits.secretValue)
        if request.value.utf8.contains(0) {
            throw .invalidBody(field: "value", reason: "must not contain NUL")
        }
    }

    /// - Throws: `APIError` 400.
    static func check(key: String) throws(APIError) {
        try APIError.check("key", bytes: key.utf8.count, upTo: Limits.secretKey)
        guard let first = key.utf8.first, !isDigit(first),
            key.utf8.allSatisfy({ isDigit($0) || isLetter($0) })
        else { throw .invalidBody(field: "key", reason: "must be letters, digits and _, no digit first") }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || byte == UInt8(ascii: "_")
    }
}
