import Concurrency
import CUV
import Foundation

/// Says when a file of settings has changed, by its identity and modification time. Loop thread only.
final class ResolverFile {
    private struct Version: Equatable {
        let device: UInt
        let inode: UInt
        let seconds: Int
        let nanoseconds: Int
    }

    private let path: String
    private let interval: UInt64
    private var version: Version?
    private var nextLook: UInt64 = 0

    /// - Parameter interval: the least time between two looks.
    init(path: String, interval: Duration) {
        self.path = path
        self.interval = interval.milliseconds
    }

    /// - Parameter now: in milliseconds.
    /// - Returns: whether the file is another one than at the last look; true at the first.
    func hasChanged(now: UInt64) -> Bool {
        guard now >= nextLook else { return false }
        nextLook = now + interval
        let seen = Self.version(of: path)
        defer { version = seen }
        return seen != version
    }

    private static func version(of path: String) -> Version? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        return Version(
            device: UInt(status.st_dev), inode: UInt(status.st_ino), seconds: status.st_mtim.tv_sec,
            nanoseconds: status.st_mtim.tv_nsec)
    }
}
