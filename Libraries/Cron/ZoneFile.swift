/// Reads a compiled file of the tz database (TZif, RFC 8536).
struct ZoneFile {
    private let bytes: [UInt8]
    private var position = 0

    private init(bytes: [UInt8]) { self.bytes = bytes }

    /// - Returns: nil for anything but a valid file: a partly read zone would fire at wrong times.
    static func table(from bytes: [UInt8]) -> ZoneTable? {
        var file = ZoneFile(bytes: bytes)
        return file.table()
    }

    private struct Header {
        var version: UInt8
        var utcIndicators: Int
        var standardIndicators: Int
        var leapSeconds: Int
        var transitions: Int
        var types: Int
        var designations: Int

        /// - Parameter width: of a time in bytes.
        func length(width: Int) -> Int {
            transitions * (width + 1) + types * 6 + designations + leapSeconds * (width + 4) + standardIndicators
                + utcIndicators
        }
    }

    private mutating func table() -> ZoneTable? {
        guard var header = readHeader() else { return nil }
        var width = 4
        if header.version >= UInt8(ascii: "2") {
            // The data of the first version comes first, and stops at 2037.
            position += header.length(width: width)
            guard let second = readHeader() else { return nil }
            header = second
            width = 8
        }
        // Files that count leap seconds (below right/) are not about POSIX time.
        guard header.types > 0, header.leapSeconds == 0, position + header.length(width: width) <= bytes.count else {
            return nil
        }
        let end = position + header.length(width: width)
        let instants = (0..<header.transitions).map { integer(at: position + $0 * width, width: width) }
        position += header.transitions * width
        let kinds = bytes[position..<position + header.transitions].map(Int.init)
        position += header.transitions
        let offsets = (0..<header.types).map { integer(at: position + $0 * 6, width: 4) }
        guard kinds.allSatisfy({ $0 < offsets.count }), zip(instants, instants.dropFirst()).allSatisfy({ $0 < $1 }),
            offsets.allSatisfy({ abs($0) < 26 * 3600 })
        else { return nil }
        position = end
        let transitions = zip(instants, kinds).map { ZoneTransition(instant: $0, offset: offsets[$1]) }
        guard width == 8, let footer = readFooter() else {
            return width == 4 ? ZoneTable(offset: offsets[0], transitions: transitions, rule: nil) : nil
        }
        if footer.isEmpty { return ZoneTable(offset: offsets[0], transitions: transitions, rule: nil) }
        var reader = ZoneRuleReader(footer)
        guard let future = reader.read() else { return nil }
        switch future {
        case .fixed: return ZoneTable(offset: offsets[0], transitions: transitions, rule: nil)
        case .changing(let rule): return ZoneTable(offset: offsets[0], transitions: transitions, rule: rule)
        }
    }

    private mutating func readHeader() -> Header? {
        guard position + 44 <= bytes.count, bytes[position..<position + 4].elementsEqual("TZif".utf8) else {
            return nil
        }
        let counts = (0..<6).map { integer(at: position + 20 + $0 * 4, width: 4) }
        // More than any file has, and far from an overflow.
        guard counts.allSatisfy({ (0...100_000).contains($0) }) else { return nil }
        let version = bytes[position + 4]
        position += 44
        return Header(
            version: version, utcIndicators: counts[0], standardIndicators: counts[1], leapSeconds: counts[2],
            transitions: counts[3], types: counts[4], designations: counts[5])
    }

    /// Two's complement, the highest byte first. Times far outside of the calendar are clamped.
    private func integer(at start: Int, width: Int) -> Int {
        if width == 4 {
            return Int(Int32(truncatingIfNeeded: bytes[start..<start + 4].reduce(0) { $0 << 8 | Int($1) }))
        }
        let value = bytes[start..<start + 8].reduce(Int64(0)) { $0 << 8 | Int64($1) }
        return Int(max(min(value, 1 << 60), -(1 << 60)))
    }

    /// The line between two line feeds.
    private mutating func readFooter() -> ArraySlice<UInt8>? {
        let newline = UInt8(ascii: "\n")
        guard position < bytes.count, bytes[position] == newline,
            let end = bytes[(position + 1)...].firstIndex(of: newline)
        else { return nil }
        return bytes[position + 1..<end]
    }
}
