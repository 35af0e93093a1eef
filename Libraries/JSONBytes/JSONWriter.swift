import ASCIIText

/// Writes compact JSON straight into bytes: no spaces, whole numbers without `.0`, commas placed for the caller.
///
/// The writer trusts its caller to pair begins with ends and to name members only inside objects; everything that
/// depends on data (escaping, invalid UTF-8, numbers JSON cannot express) is its own business.
package struct JSONWriter: Sendable {
    /// What has been written so far.
    package private(set) var bytes: [UInt8]
    private var needsComma = false
    private let escapes: ControlEscapes

    /// How the two control characters are written that have short escapes and hardly ever occur.
    package enum ControlEscapes: Sendable {
        /// `\b` and `\f`
        case short
        /// `\u0008` and `\u000c`, as the contract's types have always been written: documents may be compared or hashed.
        case numeric
    }

    /// - Parameters:
    ///   - capacity: bytes to reserve, an estimate of the document's size.
    ///   - escapes: the form of backspaces and form feeds.
    package init(reservingCapacity capacity: Int = 256, escapes: ControlEscapes = .short) {
        self.escapes = escapes
        bytes = []
        bytes.reserveCapacity(capacity)
    }

    // MARK: Structure

    /// Opens an object; ``endObject()`` must follow.
    package mutating func beginObject() { open(0x7B) }
    /// Closes the innermost object.
    package mutating func endObject() { close(0x7D) }
    /// Opens an array; ``endArray()`` must follow.
    package mutating func beginArray() { open(0x5B) }
    /// Closes the innermost array.
    package mutating func endArray() { close(0x5D) }

    /// Writes an object whose members `body` adds.
    package mutating func object(_ body: (inout JSONWriter) throws -> Void) rethrows {
        beginObject()
        try body(&self)
        endObject()
    }

    /// Writes an array whose elements `body` adds.
    package mutating func array(_ body: (inout JSONWriter) throws -> Void) rethrows {
        beginArray()
        try body(&self)
        endArray()
    }

    /// Writes a member's name; its value is the next thing written.
    package mutating func key(_ name: String) {
        separate()
        appendEscaped(name)
        bytes.append(0x3A)
        needsComma = false
    }

    // MARK: Values

    /// Writes `null`.
    package mutating func null() { literal("null") }
    /// Writes `true` or `false`.
    package mutating func bool(_ value: Bool) { literal(value ? "true" : "false") }

    /// Writes a whole number of up to 64 bits.
    package mutating func int(_ value: some BinaryInteger) {
        separate()
        IntegerText.append(
            magnitude: UInt64(truncatingIfNeeded: value.magnitude), isNegative: value < 0, to: &bytes)
        needsComma = true
    }

    /// Writes a number: whole ones below 2^53 without a fraction, NaN and infinities (which JSON lacks) as `null`.
    package mutating func double(_ value: Double) {
        guard value.isFinite else { return null() }
        separate()
        if value.magnitude < 9_007_199_254_740_992, value == value.rounded(.towardZero) {
            IntegerText.append(Int(value), to: &bytes)
        } else {
            bytes.append(contentsOf: value.description.utf8)
        }
        needsComma = true
    }

    /// Writes a string with what must be escaped escaped.
    package mutating func string(_ value: String) {
        separate()
        appendEscaped(value)
        needsComma = true
    }

    /// Writes a string of plain characters, such as an identifier or a time.
    ///
    /// - Parameter append: adds what stands between the quotes. Nothing of it may need an escape.
    package mutating func string(appending append: (inout [UInt8]) -> Void) {
        separate()
        bytes.append(0x22)
        append(&bytes)
        bytes.append(0x22)
        needsComma = true
    }

    /// Writes bytes as a string; each ill-formed piece of UTF-8 becomes U+FFFD.
    package mutating func string(utf8 value: some Collection<UInt8>) {
        separate()
        bytes.append(0x22)
        if value.withContiguousStorageIfAvailable({ appendEscapedBytes($0, isValidUTF8: false) }) == nil {
            Array(value).withUnsafeBufferPointer { appendEscapedBytes($0, isValidUTF8: false) }
        }
        bytes.append(0x22)
        needsComma = true
    }

    /// Writes a value that is JSON already. It must be one complete, well-formed value.
    package mutating func raw(_ json: some Collection<UInt8>) {
        separate()
        bytes.append(contentsOf: json)
        needsComma = true
    }

    // MARK: Pieces

    private mutating func open(_ bracket: UInt8) {
        separate()
        bytes.append(bracket)
        needsComma = false
    }

    private mutating func close(_ bracket: UInt8) {
        bytes.append(bracket)
        needsComma = true
    }

    private mutating func literal(_ text: StaticString) {
        separate()
        bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
        needsComma = true
    }

    @inline(__always)
    private mutating func separate() {
        if needsComma { bytes.append(0x2C) }
    }

    private mutating func appendEscaped(_ value: String) {
        bytes.append(0x22)
        var value = value
        value.withUTF8 { appendEscapedBytes($0, isValidUTF8: true) }
        bytes.append(0x22)
    }

    /// Copies runs that need no escape at once; most strings are one run.
    private mutating func appendEscapedBytes(_ source: UnsafeBufferPointer<UInt8>, isValidUTF8: Bool) {
        var start = 0
        var position = 0
        while position < source.count {
            if position &+ 8 <= source.count {
                let word = source.word(at: position)
                if (isValidUTF8 ? word.needsEscape : word.endsOfPlainRun) == 0 {
                    position &+= 8
                    continue
                }
            }
            let byte = source[position]
            if byte >= 0x80 {
                let length = isValidUTF8 ? 1 : utf8SequenceLength(source, at: position)
                if length > 0 {
                    position += length
                    continue
                }
            } else if byte >= 0x20, byte != 0x22, byte != 0x5C {
                position += 1
                continue
            }
            bytes.append(contentsOf: UnsafeBufferPointer(rebasing: source[start..<position]))
            appendEscape(of: byte)
            position += 1
            start = position
        }
        bytes.append(contentsOf: UnsafeBufferPointer(rebasing: source[start...]))
    }

    private mutating func appendEscape(of byte: UInt8) {
        switch byte {
        case 0x22: bytes.append(contentsOf: [0x5C, 0x22])
        case 0x5C: bytes.append(contentsOf: [0x5C, 0x5C])
        case 0x08 where escapes == .short: bytes.append(contentsOf: [0x5C, 0x62])
        case 0x09: bytes.append(contentsOf: [0x5C, 0x74])
        case 0x0A: bytes.append(contentsOf: [0x5C, 0x6E])
        case 0x0C where escapes == .short: bytes.append(contentsOf: [0x5C, 0x66])
        case 0x0D: bytes.append(contentsOf: [0x5C, 0x72])
        case 0x80...: bytes.append(contentsOf: [0xEF, 0xBF, 0xBD])  // U+FFFD
        default:
            bytes.append(
                contentsOf: [0x5C, 0x75, 0x30, 0x30, HexText.digit(byte >> 4), HexText.digit(byte & 0xF)])
        }
    }
}
