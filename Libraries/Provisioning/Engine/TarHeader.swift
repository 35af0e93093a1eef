/// The header blocks of tar archives (POSIX ustar).
enum TarHeader {
    static let block = 512

    enum Kind: Character {
        case file = "0"
        case folder = "5"
        /// Records about the next entry (POSIX pax).
        case extended = "x"
    }

    /// As ``bytes(_:_:mode:size:owner:time:)``, for paths of any length: a long one is in a pax record before the
    /// header, which readers without pax support unpack as a file.
    static func longBytes(
        _ path: String, _ kind: Kind, mode: Int, size: Int = 0, owner: TarArchive.Owner, time: Int
    ) -> [UInt8]? {
        if let header = bytes(path, kind, mode: mode, size: size, owner: owner, time: time) { return header }
        let record = Self.record("path", path)
        let short = String(decoding: path.utf8.suffix(100), as: UTF8.self)
        guard !path.utf8.contains(0),
            let extended = bytes("pax", .extended, mode: 0o644, size: record.count, owner: owner, time: time),
            let header = bytes(short, kind, mode: mode, size: size, owner: owner, time: time)
        else { return nil }
        return extended + record + padding(record.count) + header
    }

    /// `<length> <key>=<value>`, whose length counts its own digits and the line's end.
    private static func record(_ key: String, _ value: String) -> [UInt8] {
        let rest = " \(key)=\(value)\n"
        var length = rest.utf8.count + 1
        while String(length).utf8.count + rest.utf8.count != length { length += 1 }
        return Array("\(length)\(rest)".utf8)
    }

    /// - Parameters:
    ///   - path: relative, a folder's with a slash at its end.
    ///   - mode: permission bits.
    ///   - size: bytes of the content that follows.
    ///   - time: seconds since 1970.
    /// - Returns: nil when the format cannot express the path or the size.
    static func bytes(
        _ path: String, _ kind: Kind, mode: Int, size: Int = 0, owner: TarArchive.Owner, time: Int
    ) -> [UInt8]? {
        guard let name = split(path), (0...0o77777777777).contains(size) else { return nil }
        var header = [UInt8](repeating: 0, count: block)
        func put(_ text: String, at offset: Int) {
            for (index, byte) in text.utf8.enumerated() { header[offset + index] = byte }
        }
        put(name.name, at: 0)
        put(octal(mode, digits: 7), at: 100)
        put(octal(owner.user, digits: 7), at: 108)
        put(octal(owner.group, digits: 7), at: 116)
        put(octal(size, digits: 11), at: 124)
        put(octal(time, digits: 11), at: 136)
        // The checksum is taken with blanks in its place.
        put("        ", at: 148)
        put(String(kind.rawValue), at: 156)
        put("ustar\u{0}00", at: 257)
        put(name.prefix, at: 345)
        put(octal(header.reduce(0) { $0 + Int($1) }, digits: 6) + "\u{0} ", at: 148)
        return header
    }

    /// The padding of the last block of a content of this size.
    static func padding(_ size: Int) -> [UInt8] { [UInt8](repeating: 0, count: (block - size % block) % block) }

    /// The end marker of an archive.
    static let end = [UInt8](repeating: 0, count: 2 * block)

    /// 100 bytes for the name, and 155 before a slash for the rest.
    private static func split(_ path: String) -> (prefix: String, name: String)? {
        let bytes = Array(path.utf8)
        guard !bytes.isEmpty, !bytes.contains(0) else { return nil }
        if bytes.count <= 100 { return ("", path) }
        let first = max(0, bytes.count - 101)
        guard let slash = bytes[first...].dropLast().firstIndex(of: UInt8(ascii: "/")), slash > 0, slash <= 155 else {
            return nil
        }
        return (
            String(decoding: bytes[..<slash], as: UTF8.self), String(decoding: bytes[(slash + 1)...], as: UTF8.self)
        )
    }

    private static func octal(_ value: Int, digits: Int) -> String {
        let text = String(max(0, value), radix: 8)
        return String(repeating: "0", count: max(0, digits - text.count)) + text.suffix(digits)
    }
}
