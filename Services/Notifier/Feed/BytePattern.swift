import Glibc

/// Substring search in bytes by the Knuth-Morris-Pratt algorithm, in linear time for any pattern. While nothing has
/// matched, `memchr` finds the next first byte.
struct BytePattern: Sendable {
    let bytes: [UInt8]
    /// For each prefix of the bytes: the length of its longest proper suffix that is also a prefix.
    private let fallbacks: [Int]

    /// - Parameter bytes: not empty.
    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        var lengths = [0]
        lengths.reserveCapacity(bytes.count)
        for index in bytes.indices.dropFirst() {
            var length = lengths[index - 1]
            while length > 0, bytes[length] != bytes[index] { length = lengths[length - 1] }
            lengths.append(bytes[length] == bytes[index] ? length + 1 : 0)
        }
        fallbacks = lengths
    }

    func isIn(_ text: [UInt8]) -> Bool {
        text.withUnsafeBufferPointer { text in
            bytes.withUnsafeBufferPointer { wanted in
                var (position, matched) = (0, 0)
                while position < text.count {
                    if matched == 0 {
                        guard let start = text.baseAddress,
                            let found = memchr(start + position, Int32(wanted[0]), text.count - position)
                        else { return false }
                        position = UnsafeRawPointer(found) - UnsafeRawPointer(start)
                    }
                    while matched > 0, wanted[matched] != text[position] { matched = fallbacks[matched - 1] }
                    if wanted[matched] == text[position] { matched += 1 }
                    if matched == wanted.count { return true }
                    position += 1
                }
                return false
            }
        }
    }
}
