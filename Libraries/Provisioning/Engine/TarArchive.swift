import Foundation

/// Builds a tar archive (POSIX ustar) in memory.
struct TarArchive {
    /// The owner of unpacked files.
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

    /// Adds a file, and the folders above it that are missing.
    ///
    /// - Parameters:
    ///   - path: relative, with `/` between folders.
    ///   - mode: permission bits.
    /// - Returns: false, with nothing added, when the format cannot express the path.
    mutating func add(_ path: String, mode: Int, _ content: [UInt8]) -> Bool {
        let header = TarHeader.bytes(path, .file, mode: mode, size: content.count, owner: owner, time: time)
        guard let header else { return false }
        addFolders(above: path)
        bytes += header
        bytes += content
        bytes += TarHeader.padding(content.count)
        return true
    }

    /// The archive with its end marker.
    func finished() -> [UInt8] { bytes + TarHeader.end }

    private mutating func addFolders(above path: String) {
        let parts = path.split(separator: "/").dropLast()
        for count in 0..<parts.count {
            let folder = parts.prefix(count + 1).joined(separator: "/") + "/"
            guard folders.insert(folder).inserted,
                let header = TarHeader.bytes(folder, .folder, mode: 0o755, owner: owner, time: time)
            else { continue }
            bytes += header
        }
    }
}
