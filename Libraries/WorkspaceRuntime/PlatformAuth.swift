import Foundation
import Synchronization

/// The token that the platform issued to this workspace at its first registration, stored in a file because it is
/// issued only once and a restarted agent needs it again.
public final class PlatformAuth: Sendable {
    /// The file could not be written.
    public struct SaveError: Error, Sendable, CustomStringConvertible {
        /// The step that failed and the system's error.
        public let description: String
    }

    /// The path of the token's file.
    public let path: String
    private let directory: String

    private enum Cache {
        case unread
        case read(String?)
    }

    private let cache = Mutex(Cache.unread)

    /// - Parameter configsDirectory: the folder of `.auth_token`; made when a token is saved.
    public init(configsDirectory: String = "/configs") {
        directory = configsDirectory
        path = configsDirectory + "/.auth_token"
    }

    /// The token, or nil when there is none yet. The file is read once; see ``refreshCache()``.
    public var token: String? {
        cache.withLock { cache in
            if case .read(let token) = cache { return token }
            let token = readFile()
            cache = .read(token)
            return token
        }
    }

    /// Reads the file again, for when another process may have rotated the token.
    ///
    /// - Returns: the token in use from now on.
    @discardableResult
    public func refreshCache() -> String? {
        cache.withLock { cache in
            // A token that could not be saved is in the cache alone: an unreadable file must not discard it.
            if let token = readFile() { cache = .read(token) }
            if case .read(let token) = cache { return token }
            return nil
        }
    }

    /// Saves a token: in the cache at once, and atomically in a file that only its owner can read.
    ///
    /// - Throws: ``SaveError``; the token is used all the same as long as this process lives.
    public func save(_ token: String) throws(SaveError) {
        try cache.withLock { cache throws(SaveError) in
            cache = .read(token)
            try writeFile(token)
        }
    }

    /// The headers that authenticate this workspace; none before there is a token.
    public var bearerHeaders: [String: String] {
        token.map { ["Authorization": "Bearer \($0)"] } ?? [:]
    }

    /// The headers of a message that this workspace itself sends to `/a2a`. Without the id the platform would treat it
    /// as a message that a person typed.
    ///
    /// - Parameter id: this workspace's own.
    public func selfSourceHeaders(_ id: UUID) -> [String: String] {
        bearerHeaders.merging(["X-Workspace-ID": id.uuidString.lowercased()]) { $1 }
    }

    private func readFile() -> String? {
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return nil }
        let token = text.trimmingCharacters(in: .whitespacesAndNewlines)
        return token.isEmpty ? nil : token
    }

    /// Written to a temporary file with its final mode and renamed: a reader sees the old token or the new one, and no
    /// other user can read it at any time.
    private func writeFile(_ token: String) throws(SaveError) {
        do {
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        } catch {
            throw SaveError(description: "make \(directory): \(error)")
        }
        let temporary = "\(path).\(UUID().uuidString.lowercased())"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Self.failure("create the token file") }
        let bytes = Array(token.utf8)
        let isWritten = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) } == bytes.count
        let isSynced = isWritten && fsync(descriptor) == 0
        close(descriptor)
        guard isSynced, rename(temporary, path) == 0 else {
            let failure = Self.failure("write the token file")
            unlink(temporary)
            throw failure
        }
    }

    private static func failure(_ step: String) -> SaveError {
        SaveError(description: "\(step): \(String(cString: strerror(errno)))")
    }
}
