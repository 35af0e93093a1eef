/// Which runs of four bytes stand in some texts: a Bloom filter with one hash function. What it does not have stands in
/// none of them; what it has may.
///
/// Runs that touch a line break are left out, on both sides: a break is one byte or two.
struct GramFilter: Sendable {
    /// Bytes of a run.
    private static let length = 4
    /// Hash values: as many bits as a filter has at most.
    private static let hashBits = 20
    private static let smallest = 1024
    /// Runs of a pattern that are looked for, at most.
    private static let wantedLimit = 64

    private var bits = [UInt8](repeating: 0, count: 1 << (hashBits - 3))

    /// Takes in a text, folded as ``SearchText`` compares it.
    mutating func add(_ text: UnsafeBufferPointer<UInt8>) {
        bits.withUnsafeMutableBufferPointer { bits in
            Self.forEachHash(in: text) { hash in
                bits[Int(hash >> 3)] |= 1 << UInt8(hash & 7)
                return true
            }
        }
    }

    /// The filter, as short as it may be without one bit in six being set: which bit a run has is its hash modulo the
    /// number of bits, so that a half is laid over the other.
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

    /// The hashes that a text's filter has if this stands in it; none for what is too short to be told.
    ///
    /// - Parameter pattern: folded as ``SearchText`` compares it.
    static func hashes(of pattern: [UInt8]) -> [Int32] {
        var hashes: [Int32] = []
        pattern.withUnsafeBufferPointer { pattern in
            forEachHash(in: pattern) { hash in
                if !hashes.contains(Int32(hash)) { hashes.append(Int32(hash)) }
                return hashes.count < wantedLimit
            }
        }
        return hashes
    }

    @inline(__always)
    private static func forEachHash(in text: UnsafeBufferPointer<UInt8>, _ body: (UInt32) -> Bool) {
        var (run, count): (UInt32, Int) = (0, 0)
        for byte in text {
            if byte == 0x0A || byte == 0x0D {
                count = 0
                continue
            }
            run = run << 8 | UInt32(byte)
            count &+= 1
            if count >= length, !body(hash(run)) { return }
        }
    }

    /// Each bit of the run moves about half of the hash's.
    @inline(__always)
    private static func hash(_ run: UInt32) -> UInt32 {
        var hash = run
        hash = (hash ^ hash >> 16) &* 0x7FEB_352D
        hash = (hash ^ hash >> 15) &* 0x846C_A68B
        return (hash ^ hash >> 16) & (1 << hashBits - 1)
    }
}
