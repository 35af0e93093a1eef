/// Where a member's name is in its document. 32 bits suffice for offsets: larger documents are refused.
struct JSONName {
    /// The byte behind the opening quote.
    private let start: UInt32
    /// How many bytes are between the quotes; the highest bit says that escapes are among them.
    private let lengthAndEscapes: UInt32
    private static let escapesBit: UInt32 = 1 << 31

    /// - Parameters:
    ///   - start: the opening quote.
    ///   - end: behind the closing quote.
    @inline(__always)
    init(_ start: Int, _ end: Int, hasEscapes: Bool) {
        self.start = UInt32(truncatingIfNeeded: start &+ 1)
        lengthAndEscapes = UInt32(truncatingIfNeeded: end &- start &- 2) | (hasEscapes ? Self.escapesBit : 0)
    }

    /// The bytes between the quotes.
    var inside: Range<Int> {
        let first = Int(start)
        return Range(uncheckedBounds: (first, first &+ Int(lengthAndEscapes & ~Self.escapesBit)))
    }

    @inline(__always)
    func isEqual(to wanted: StaticString, in bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        isEqual(to: UnsafeBufferPointer(start: wanted.utf8Start, count: wanted.utf8CodeUnitCount), in: bytes)
    }

    /// Whether the name is `wanted`, escapes taken for what they stand for. Most names differ in length already, which
    /// is seen without looking at the document.
    @inline(__always)
    func isEqual(to wanted: UnsafeBufferPointer<UInt8>, in bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        if lengthAndEscapes == UInt32(truncatingIfNeeded: wanted.count) {
            var index = 0
            while index < wanted.count, bytes[Int(start) &+ index] == wanted[index] { index &+= 1 }
            return index == wanted.count
        }
        // An escape is longer than what it stands for, at most six bytes for one: most names are told apart by that
        // alone.
        let length = Int(lengthAndEscapes & ~Self.escapesBit)
        guard lengthAndEscapes >= Self.escapesBit, length > wanted.count, length <= 6 &* wanted.count else {
            return false
        }
        return isUnescaped(bytes, inside, equalTo: wanted)
    }
}
