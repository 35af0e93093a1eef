import HTTPCore

/// The token in an `Authorization` field.
enum BearerToken {
    /// What follows `Bearer` (in any case), without the blanks around it; `nil` for other schemes.
    static func bytes(in value: UnsafeBufferPointer<UInt8>) -> Slice<UnsafeBufferPointer<UInt8>>? {
        let scheme: StaticString = "Bearer "
        guard value.count > scheme.utf8CodeUnitCount,
            HTTPHeaders.equal(UnsafeBufferPointer(rebasing: value[..<scheme.utf8CodeUnitCount]), scheme)
        else { return nil }
        // On bytes: Foundation's trimming costs more than all the rest of an authenticated request's checks.
        var token = value[scheme.utf8CodeUnitCount...].drop(while: isBlank)
        while let last = token.last, isBlank(last) { token.removeLast() }
        return token
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
}
