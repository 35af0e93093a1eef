/// Takes the pieces of a date or a time from its characters, one after another.
///
/// Inlinable: there are a dozen pieces to a time, and a call of another module each would cost more than what it does.
package struct TimeReader {
    @usableFromInline let text: UnsafeBufferPointer<UInt8>
    @usableFromInline var position = 0

    @inlinable
    package init(_ text: UnsafeBufferPointer<UInt8>) { self.text = text }

    /// Whether all characters are taken.
    @inlinable
    package var isAtEnd: Bool { position == text.count }

    /// Takes one character, if it is there.
    @inlinable
    package mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard position < text.count, text[position] == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    /// Takes a number of as many digits; nil, with some of them perhaps taken, when there are fewer.
    @inlinable
    package mutating func number(digits: Int) -> Int? {
        var value = 0
        for _ in 0..<digits {
            guard let digit = digit() else { return nil }
            value = value * 10 + digit
        }
        return value
    }

    /// Takes a number of one to nine digits; what stands behind the ninth is left.
    @inlinable
    package mutating func number() -> Int? {
        guard var value = digit() else { return nil }
        for _ in 1..<9 {
            guard let digit = digit() else { break }
            value = value * 10 + digit
        }
        return value
    }

    /// Takes a point and the digits behind it, of which those beyond the ninth are ignored.
    ///
    /// - Returns: nanoseconds: 0 when there is no point, nil for a point without digits.
    @inlinable
    package mutating func fraction() -> Int? {
        guard take(".") else { return 0 }
        let start = position
        guard var nanoseconds = number() else { return nil }
        for _ in position - start..<9 { nanoseconds *= 10 }
        while digit() != nil {}
        return nanoseconds
    }

    @inlinable @inline(__always)
    mutating func digit() -> Int? {
        guard position < text.count, text[position] &- 0x30 < 10 else { return nil }
        position += 1
        return Int(text[position - 1] &- 0x30)
    }
}
