/// The length of the well-formed UTF-8 sequence that starts at `position`, or 0 when it is malformed.
///
/// Follows table 3-7 of the Unicode standard: overlong forms, surrogates (U+D800...U+DFFF) and code points above
/// U+10FFFF are malformed. For ASCII it is 1.
@inline(__always)
func utf8SequenceLength(_ bytes: UnsafeBufferPointer<UInt8>, at position: Int) -> Int {
    let lead = bytes[position]
    if lead < 0x80 { return 1 }
    let left = bytes.count - position
    if lead < 0xE0 {
        guard lead >= 0xC2, left >= 2, isContinuation(bytes[position + 1]) else { return 0 }
        return 2
    }
    if lead < 0xF0 {
        guard left >= 3, isContinuation(bytes[position + 1]), isContinuation(bytes[position + 2]) else { return 0 }
        let second = bytes[position + 1]
        if lead == 0xE0 && second < 0xA0 { return 0 }  // overlong
        if lead == 0xED && second > 0x9F { return 0 }  // surrogate
        return 3
    }
    guard lead <= 0xF4, left >= 4, isContinuation(bytes[position + 1]), isContinuation(bytes[position + 2]),
        isContinuation(bytes[position + 3])
    else { return 0 }
    let second = bytes[position + 1]
    if lead == 0xF0 && second < 0x90 { return 0 }  // overlong
    if lead == 0xF4 && second > 0x8F { return 0 }  // above U+10FFFF
    return 4
}

@inline(__always)
private func isContinuation(_ byte: UInt8) -> Bool { byte & 0xC0 == 0x80 }
