import Foundation

/// Builds a tar archive (POSIX ustar) in memory.
struct TarArchive {
    /// Who owns what is unpacked.
    struct Owner: Sendable, Hashable {
        var user = 0
        var group = 0
    }

    private(set) var bytes: [UInt8] = []
    private var folders: Set<String> = []
    private let owner: Owner
    private let time: Int

    /// - Parameter time: seconds since 1970, of every entry.
    init(owner: Owner = Owner(), time: Int) {
        self.owner = owner
        self.time = time
    }

    /// Adds a file, and the folders above it that are not there yet.
    ///
    /// - Parameters:
    ///   - path: relative, with `/` between folders.
    ///   - mode: permission bits.
    /// - Returns: false, with nothing added, when the format cannot express the path.
    mutating func add(_ path: String, mode: Int, _ content: [UInt8]) -> Bool {
        guard let name = Self.split(path) else { return false }
        addFolders(above: path)
        bytes += header(name, type: "0", mode: mode, size: content.count)
        bytes += content
        bytes += [UInt8](repeating: 0, count: (Self.block - content.count % Self.block) % Self.block)
        return true
    }

    /// The archive with its end.
    func finished() -> [UInt8] { bytes + [UInt8](repeating: 0, count: 2 * Self.block) }

    private mutating func addFolders(above path: String) {
        let parts = path.split(separator: "/").dropLast()
        for count in 0..<parts.count {
            let folder = parts.prefix(count + 1).joined(separator: "/") + "/"
            guard folders.insert(folder).inserted, let name = Self.split(folder) else { continue }
            bytes += header(name, type: "5", mode: 0o755, size: 0)
        }
    }

    private func header(_ path: Name, type: Character, mode: Int, size: Int) -> [UInt8] {
        var header = [UInt8](repeating: 0, count: Self.block)
        func put(_ text: String, at offset: Int) {
            for (index, byte) in text.utf8.enumerated() { header[offset + index] = byte }
        }
        put(path.name, at: 0)
        put(Self.octal(mode, digits: 7), at: 100)
        put(Self.octal(owner.user, digits: 7), at: 108)
        put(Self.octal(owner.group, digits: 7), at: 116)
        put(Self.octal(size, digits: 11), at: 124)
        put(Self.octal(time, digits: 11), at: 136)
        // The checksum is taken with blanks in its place.
        put("        ", at: 148)
        put(String(type), at: 156)
        put("ustar\u{0}00", at: 257)
        put(path.prefix, at: 345)
        put(Self.octal(header.reduce(0) { $0 + Int($1) }, digits: 6) + "\u{0} ", at: 148)
        return header
    }

    private struct Name {
        let prefix: String
        let name: String
    }

    /// 100 bytes for the name, and 155 before a slash for what does not fit.
    private static func split(_ path: String) -> Name? {
        let bytes = Array(path.utf8)
        guard !bytes.isEmpty, !bytes.contains(0) else { return nil }
        if bytes.count <= 100 { return Name(prefix: "", name: path) }
        let first = max(0, bytes.count - 101)
        guard let slash = bytes[first...].dropLast().firstIndex(of: UInt8(ascii: "/")), slash > 0, slash <= 155 else {
            return nil
        }
        return Name(
            prefix: String(decoding: bytes[..<slash], as: UTF8.self),
            name: String(decoding: bytes[(slash + 1)...], as: UTF8.self))
    }

    private static func octal(_ value: Int, digits: Int) -> String {
        let text = String(max(0, value), radix: 8)
        return String(repeating: "0", count: max(0, digits - text.count)) + text.suffix(digits)
    }

    private static let block = 512
}
