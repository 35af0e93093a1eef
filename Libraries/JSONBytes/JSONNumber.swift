/// The well-formed value at `range` as a whole number: nil when it is no number, has a fraction or does not fit 64 bits.
///
/// `3.0` and `3e2` are whole: JSON has one kind of number, and some encoders write all of them with a point.
func wholeNumber(_ bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) -> Int? {
    guard isNumber(bytes[range.lowerBound]) else { return nil }
    let isNegative = bytes[range.lowerBound] == UInt8(ascii: "-")
    var value = 0
    for position in (range.lowerBound + (isNegative ? 1 : 0))..<range.upperBound {
        let digit = Int(bytes[position]) - 0x30
        guard digit >= 0, digit < 10 else { return roundedWholeNumber(bytes, range) }
        let (product, productOverflows) = value.multipliedReportingOverflow(by: 10)
        // Counted downwards for negative numbers, whose smallest has no positive counterpart.
        let (sum, sumOverflows) = product.addingReportingOverflow(isNegative ? -digit : digit)
        guard !productOverflows, !sumOverflows else {
            // More digits may still be `1000...0.0e-5`.
            return roundedWholeNumber(bytes, range)
        }
        value = sum
    }
    return value
}

/// A number that is not written as an integer of 64 bits, by way of a double. Numbers that are too small are rounded up to
/// the smallest that fits, so that one does not count.
private func roundedWholeNumber(_ bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) -> Int? {
    floatingNumber(bytes, range).flatMap { $0 > -0x1p63 ? Int(exactly: $0) : nil }
}

/// As `wholeNumber`, one beyond 64 bits taken for the largest or smallest that fits.
func clampedWholeNumber(_ bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) -> Int? {
    if let value = wholeNumber(bytes, range) { return value }
    guard let value = clampedNumber(bytes, range), value.magnitude >= 0x1p63 else { return nil }
    return value < 0 ? .min : .max
}

/// As `floatingNumber`, one that is too large for a double taken for the largest.
func clampedNumber(_ bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) -> Double? {
    guard isNumber(bytes[range.lowerBound]) else { return nil }
    if let value = floatingNumber(bytes, range) { return value }
    return bytes[range.lowerBound] == UInt8(ascii: "-") ? -.greatestFiniteMagnitude : .greatestFiniteMagnitude
}

/// The well-formed value at `range` as a double, correctly rounded; nil when it is no number or too large.
func floatingNumber(_ bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) -> Double? {
    guard isNumber(bytes[range.lowerBound]) else { return nil }
    if let value = shortDecimal(bytes, range) { return value }
    let value = Double(String(decoding: UnsafeBufferPointer(rebasing: bytes[range]), as: UTF8.self))
    return value?.isFinite == true ? value : nil
}

/// Numbers of up to 15 digits without an exponent: digits and power of ten are exact as doubles, so that one division
/// rounds once, correctly (Clinger's fast path).
private func shortDecimal(_ bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) -> Double? {
    guard range.count <= 17 else { return nil }
    let isNegative = bytes[range.lowerBound] == UInt8(ascii: "-")
    var digits: Int64 = 0
    var count = 0
    var scale = 1.0
    var isFraction = false
    for position in (range.lowerBound + (isNegative ? 1 : 0))..<range.upperBound {
        let byte = bytes[position]
        if byte == UInt8(ascii: ".") {
            isFraction = true
            continue
        }
        guard byte &- 0x30 < 10 else { return nil }
        digits = digits &* 10 &+ Int64(byte &- 0x30)
        count += 1
        if isFraction { scale *= 10 }  // exact up to 10^22
    }
    guard count <= 15 else { return nil }
    let magnitude = Double(digits) / scale
    return isNegative ? -magnitude : magnitude
}

@inline(__always)
private func isNumber(_ first: UInt8) -> Bool { first &- 0x30 < 10 || first == UInt8(ascii: "-") }
