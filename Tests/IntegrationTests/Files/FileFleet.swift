import Foundation
import JSONBytes
import TestSupport

/// A registry and a notifier that keeps files in a folder.
struct FileFleet: Sendable {
    let fleet: Fleet
    /// Where the files of workspaces are.
    let folder: String
    /// Where uploads are while they arrive.
    let spool: String

    var api: API { fleet.apis[1] }
    var notifier: ServiceProcess { fleet.services[1] }

    static func with(
        environment: [String: String] = [:], _ body: (FileFleet) async throws -> Void
    ) async throws {
        let folder = try TemporaryFolder.make("chat-files") + "/store"
        let spool = try TemporaryFolder.make("spool")
        // Their tests make the folders, the service the one inside.
        let settings = ["CHAT_FILES_DIR": folder, "NOTIFIER_SPOOL_DIR": spool].merging(environment) { $1 }
        try await Fleet.with(["registry", "notifier"], environment: settings) { fleet in
            try await body(FileFleet(fleet: fleet, folder: folder, spool: spool))
        }
    }

    /// The files in the store, without their folders.
    func storedFiles() -> [String] {
        let found = FileManager.default.enumerator(atPath: folder)?.allObjects.compactMap { $0 as? String } ?? []
        return found.filter { path in
            var isFolder: ObjCBool = false
            return FileManager.default.fileExists(atPath: "\(folder)/\(path)", isDirectory: &isFolder)
                && !isFolder.boolValue
        }
    }

    func spooledFiles() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: spool) }

    /// Files that have rows, whatever their state.
    func rowCount() async throws -> Int { try await fleet.sql("SELECT count(*) FROM chat_files")[0].int(0) }
}
