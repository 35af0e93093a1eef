/// A Bloom filter with one hash function of all 4-grams (runs of four bytes) in some texts: a 4-gram that it does not
/// contain is in none of the texts; one that it contains may be.
///
/// 4-grams with a line break are left out of texts and patterns: a break is one byte or two.
struct GramFilter: Sendable {
    /// Bytes of a gram.
    private static let length = 4
    /// Bits of a hash; its values are the bits of the largest filter.
    private static let hashBits = 20
    private static let smallest = 1024
    /// The most grams of a pattern that are looked up.
    private static let patternLimit = 64

    private var bits = [UInt8](repeating: 0, count: 1 << (hashBits - 3))

    /// Adds a text, folded as ``SearchText`` compares it.
    mutating func add(_ text: UnsafeBufferPointer<UInt8>) {
        bits.withUnsafeMutableBufferPointer { bits in
            Self.forEachHash(in: text) { hash in
                bits[Int(hash >> 3)] |= 1 << UInt8(hash & 7)
                return true
            }
        }
    }

    /// The filter, folded to the smallest size with at most one bit in six set: a gram's bit is its hash modulo the
    /// number of bits, so that one half can be combined with the other.
    var bytes: [UInt8] {
        var bytes = bits
        while bytes.count > Self.smallest {
            let half = bytes.count / 2
            let folded = (0..<half).map { bytes[$0] | bytes[half + $0] }
            guard folded.reduce(0, { $0 + $1.nonzeroBitCount }) * 6 <= half * 8 else { break }
            bytes = folded
        }
        return bytes
    }

    /// The hashes that a filter contains when a text contains the pattern; none for a pattern that is too short.
    ///
    /// - Parameter pattern: folded as ``SearchText`` compares it.
    static func hashes(of pattern: [UInt8]) -> [Int32] {
        var hashes: [Int32] = []
        pattern.withUnsafeBufferPointer { pattern in
            forEachHash(in: pattern) { hash in
                if !hashes.contains(Int32(hash)) { hashes.append(Int32(hash)) }
                return hashes.count < patternLimit
            }
        }
        return hashes
    }

    @inline(__always)
    private static func forEachHash(in text: UnsafeBufferPointer<UInt8>, _ body: (UInt32) -> Bool) {
        var (gram, count): (UInt32, Int) = (0, 0)
        for byte in text {
            if byte == 0x0A || byte == 0x0D {
                count = 0
                continue
            }
            gram = gram << 8 | UInt32(byte)
            count &+= 1
            if count >= length, !body(hash(gram)) { return }
        }
    }

    /// Avalanche: each bit of the gram changes about half of the hash's bits.
    @inline(__always)
    private static func hash(_ gram: UInt32) -> UInt32 {
        var hash = gram
        hash = (hash ^ hash >> 16) &* 0x7FEB_352D
        hash = (hash ^ hash >> 15) &* 0x846C_A68B
        return (hash ^ hash >> 16) & (1 << hashBits - 1)
    }
}
