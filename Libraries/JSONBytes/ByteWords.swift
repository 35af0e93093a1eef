/// Eight bytes looked at together: each result has the high bit set in the first byte that was looked for. Bytes behind
/// the first may be marked wrongly, since borrows run upwards.
extension UInt64 {
    private static let ones: UInt64 = 0x0101_0101_0101_0101
    private static let highBits: UInt64 = 0x8080_8080_8080_8080

    /// Quotes and backslashes.
    @inline(__always)
    var quotesAndBackslashes: UInt64 {
        let quotes = self ^ (Self.ones &* 0x22)
        let backslashes = self ^ (Self.ones &* 0x5C)
        return ((quotes &- Self.ones) & ~quotes | (backslashes &- Self.ones) & ~backslashes) & Self.highBits
    }

    /// What a writer has to escape: a quote, a backslash or a control character.
    @inline(__always)
    var needsEscape: UInt64 {
        let controls = (self &- (Self.ones &* 0x20)) & ~self
        return quotesAndBackslashes | controls & Self.highBits
    }

    /// What ends a plain run inside a string: what needs an escape, or anything that is not ASCII.
    @inline(__always)
    var endsOfPlainRun: UInt64 { needsEscape | self & Self.highBits }
}

extension UnsafeBufferPointer<UInt8> {
    /// The eight bytes at `position`, the first one lowest. They must be there.
    @inline(__always)
    func word(at position: Int) -> UInt64 {
        let raw = UnsafeRawPointer(baseAddress.unsafelyUnwrapped) + position
        return UInt64(littleEndian: raw.loadUnaligned(as: UInt64.self))
    }
}
