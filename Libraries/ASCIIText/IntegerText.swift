/// Whole numbers in decimal digits, without going through `String`.
package enum IntegerText {
    /// Appends a number.
    @inlinable @inline(__always)
    package static func append(_ value: Int, to text: inout [UInt8]) {
        append(magnitude: UInt64(value.magnitude), isNegative: value < 0, to: &text)
    }

    /// Appends a number beyond 63 bits, too.
    ///
    /// - Parameter isNegative: whether a minus sign stands before it.
    package static func append(magnitude: UInt64, isNegative: Bool, to text: inout [UInt8]) {
        if magnitude < 10 {
            if isNegative { text.append(UInt8(ascii: "-")) }
            return text.append(0x30 &+ UInt8(truncatingIfNeeded: magnitude))
        }
        // Composed aside and appended at once: each append to an array looks at its capacity.
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 21) { digits in
            var rest = magnitude
            var first = digits.count
            while rest > 0 {
                first &-= 1
                digits[first] = 0x30 &+ UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            }
            if isNegative {
                first &-= 1
                digits[first] = UInt8(ascii: "-")
            }
            text.append(contentsOf: UnsafeBufferPointer(rebasing: digits[first...]))
        }
    }

    /// Reads a whole text as a number: an optional minus sign and digits; nil for anything else, and for what does not fit.
    package static func read(_ text: UnsafeBufferPointer<UInt8>) -> Int? {
        var value = 0
        let isNegative = text.first == UInt8(ascii: "-")
        guard text.count > (isNegative ? 1 : 0) else { return nil }
        for byte in text[(isNegative ? 1 : 0)...] {
            guard byte &- 0x30 < 10 else { return nil }
            // Counted downwards, since the smallest number has no positive counterpart.
            let (shifted, overflow) = value.multipliedReportingOverflow(by: 10)
            let (next, overflowToo) = shifted.subtractingReportingOverflow(Int(byte &- 0x30))
            if overflow || overflowToo { return nil }
            value = next
        }
        if isNegative { return value }
        return value == Int.min ? nil : -value
    }
}
