import ASCIIText

/// The text of the well-formed value at `range`, nil when it is no string.
func decodedString(_ bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) -> String? {
    guard bytes[range.lowerBound] == 0x22 else { return nil }
    let inside = (range.lowerBound + 1)..<(range.upperBound - 1)
    var walker = inside.lowerBound
    while walker < inside.upperBound, bytes[walker] != 0x5C { walker &+= 1 }
    if walker < inside.upperBound { return String(decoding: unescaped(bytes, inside), as: UTF8.self) }
    return String(decoding: UnsafeBufferPointer(rebasing: bytes[inside]), as: UTF8.self)
}

/// The well-formed value at `range` as a truth value, nil when it is none.
func decodedBool(_ bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) -> Bool? {
    switch bytes[range.lowerBound] {
    case UInt8(ascii: "t"): true
    case UInt8(ascii: "f"): false
    default: nil
    }
}

/// The bytes that the inside of a well-formed JSON string stands for, as UTF-8.
func unescaped(_ bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: range.count) { output, count in
        var position = range.lowerBound
        while position < range.upperBound {
            if bytes[position] == 0x5C {
                for byte in encodedUTF8(passEscape(bytes, &position)) {
                    output[count] = byte
                    count &+= 1
                }
            } else {
                output[count] = bytes[position]
                count &+= 1
                position &+= 1
            }
        }
    }
}

/// Whether the inside of a well-formed JSON string stands for `wanted`. Ends at the first difference, allocates
/// nothing.
func isUnescaped(
    _ bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, equalTo wanted: UnsafeBufferPointer<UInt8>
) -> Bool {
    var position = range.lowerBound
    var index = 0
    while position < range.upperBound {
        if bytes[position] == 0x5C {
            for byte in encodedUTF8(passEscape(bytes, &position)) {
                guard index < wanted.count, byte == wanted[index] else { return false }
                index &+= 1
            }
        } else {
            guard index < wanted.count, bytes[position] == wanted[index] else { return false }
            index &+= 1
            position &+= 1
        }
    }
    return index == wanted.count
}

/// Passes the escape at the position and returns the scalar that it stands for.
private func passEscape(_ bytes: UnsafeBufferPointer<UInt8>, _ position: inout Int) -> UInt32 {
    guard bytes[position &+ 1] == 0x75 else {
        position &+= 2
        return UInt32(simpleEscape(bytes[position &- 1]))
    }
    let unit = passCodeUnit(bytes, &position)
    guard unit >= 0xD800, unit < 0xDC00 else { return unit }
    return 0x10000 + (unit - 0xD800) << 10 + passCodeUnit(bytes, &position) - 0xDC00
}

private func passCodeUnit(_ bytes: UnsafeBufferPointer<UInt8>, _ position: inout Int) -> UInt32 {
    var unit: UInt32 = 0
    for offset in 2..<6 { unit = unit << 4 | UInt32(HexText.value(bytes[position &+ offset]) ?? 0) }
    position &+= 6
    return unit
}

/// What the escape `\\n` and its like stand for.
func simpleEscape(_ letter: UInt8) -> UInt8 {
    switch letter {
    case 0x62: 0x08
    case 0x66: 0x0C
    case 0x6E: 0x0A
    case 0x72: 0x0D
    case 0x74: 0x09
    default: letter  // a quote, a backslash or a slash stands for itself
    }
}

private func encodedUTF8(_ scalar: UInt32) -> some Sequence<UInt8> {
    UTF8.encode(Unicode.Scalar(scalar) ?? "\u{FFFD}") ?? UTF8.encodedReplacementCharacter
}
