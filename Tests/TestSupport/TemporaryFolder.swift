import Foundation
import Synchronization

/// Folders for the data of test servers, below one folder a test process.
package enum TemporaryFolder {
    private static let prefix = "switchyard-test-"
    private static let counter = Atomic<Int>(0)

    /// This process's folder; made at first use, when leftovers of dead test processes are swept as well.
    private static let root: String = {
        let base = FileManager.default.temporaryDirectory
        let entries = (try? FileManager.default.contentsOfDirectory(atPath: base.path)) ?? []
        for entry in entries where entry.hasPrefix(prefix) {
            guard let pid = pid_t(entry.dropFirst(prefix.count)), kill(pid, 0) != 0, errno == ESRCH else { continue }
            try? FileManager.default.removeItem(at: base.appendingPathComponent(entry))
        }
        let path = base.appendingPathComponent("\(prefix)\(getpid())").path
        try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        // Servers that run as another user must be able to walk through it.
        chmod(path, 0o755)
        atexit { TemporaryFolder.removeAtExit() }
        return path
    }()

    /// Makes a new empty folder; it goes away with the test process.
    package static func make(_ name: String) throws -> String {
        let number = counter.add(1, ordering: .relaxed).newValue
        let path = "\(root)/\(name)-\(number)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        return path
    }

    private static func removeAtExit() {
        Leash.killAllAtExit()
        try? FileManager.default.removeItem(atPath: root)
    }
}
