import Foundation
import HTTPCore
import Observability
import Postgres
import Testing
import TestSupport
import UVLoop

@testable import Notifier

@Suite("Files in Postgres and in a folder")
struct ChatFileRowsTests {
    private static let addWorkspace = Statement("", "INSERT INTO workspaces (id, name, status) VALUES ($1, 'w', $2)")
    private static let states = Statement("", "SELECT state FROM chat_files ORDER BY name, stored_name")

    private func file(_ name: String, size: Int = 1, _ storage: ChatFile.Storage = .store) -> ChatFile {
        let file = FileName(name)
        return ChatFile(stored: file.stored, name: file.name, mimeType: "text/plain", size: size, storage: storage)
    }

    private func states(_ pool: PostgresPool) async throws -> [String] {
        try await pool.query(Self.states).all.map { $0.string(0) }
    }

    private func withWorkspace(_ body: (PostgresPool, ChatFileRows, UUID) async throws -> Void) async throws {
        try await withMigratedPool("files") { pool in
            let workspace = UUID()
            _ = try await pool.query(Self.addWorkspace, [workspace, "online"])
            try await body(pool, ChatFileRows(postgres: pool), workspace)
        }
    }

    @Test("A file is there for others when its bytes are durable, all of an upload at once")
    func lifecycle() async throws {
        try await withWorkspace { pool, rows, workspace in
            let files = [file("a"), file("b")]
            let stored = files.map(\.stored)
            guard case .registered = try await rows.register(files, of: workspace, .init()) else {
                return #expect(Bool(false))
            }
            #expect(try await rows.find(stored[0], of: workspace) == nil)
            #expect(try await !rows.keep(stored + ["other"], of: workspace))
            #expect(try await states(pool) == ["pending", "pending"])
            #expect(try await rows.keep(stored, of: workspace))
            #expect(try await rows.find(stored[1], of: workspace) == files[1])
            #expect(try await rows.find(stored[1], of: UUID()) == nil)
            #expect(try await !rows.keep(stored, of: workspace))
            try await rows.markForDeletion(stored, of: workspace, after: 0)
            #expect(try await states(pool) == ["stored", "stored"])
        }
    }

    @Test("However many uploads come at once, a workspace has no more than it may")
    func concurrentQuota() async throws {
        try await withWorkspace { pool, rows, workspace in
            let quota = ChatFileRows.Quota(files: 11, bytes: 1000)
            let count = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<20 {
                    group.addTask {
                        let pair = [file("x", size: 90), file("y", size: 10)]
                        if case .registered = try await rows.register(pair, of: workspace, quota) { return 2 }
                        return 0
                    }
                }
                return try await group.reduce(0, +)
            }
            #expect(count == 10)
            #expect(try await states(pool).count == 10)
            guard case .overQuota = try await rows.register([file("z", size: 501)], of: workspace, quota) else {
                return #expect(Bool(false))
            }
            guard case .noWorkspace = try await rows.register([file("z")], of: UUID(), quota) else {
                return #expect(Bool(false))
            }
        }
    }

    @Test("A workspace that is removed meanwhile keeps nothing")
    func removedMeanwhile() async throws {
        try await withWorkspace { pool, rows, workspace in
            let files = [file("a")]
            _ = try await rows.register(files, of: workspace, .init())
            _ = try await pool.query(Statement("", "UPDATE workspaces SET status = 'removed'"))
            #expect(try await !rows.keep(files.map(\.stored), of: workspace))
            guard case .noWorkspace = try await rows.register([file("b")], of: workspace, .init()) else {
                return #expect(Bool(false))
            }
        }
    }

    /// Writes a file of an upload as a request does.
    private func put(
        _ name: String, _ workspace: UUID, _ rows: ChatFileRows, _ store: FolderStore, on loop: EventLoop
    ) async throws -> ChatFile {
        let spool = try SpoolFile(folder: FileManager.default.temporaryDirectory.path)
        try spool.append(Array(name.utf8))
        let spooled = SpooledFile(
            name: FileName(name), mimeType: "text/plain", size: spool.size, digest: spool.finish(), file: spool)
        let row = ChatFile(
            stored: spooled.name.stored, name: name, mimeType: "text/plain", size: spool.size, storage: .store)
        _ = try await rows.register([row], of: workspace, .init())
        try await store.put(spooled, of: workspace, on: loop)
        #expect(try await rows.keep([row.stored], of: workspace))
        return row
    }

    @Test("What is to go goes with its bytes: of removed and vanished workspaces, of uploads that died; the rest stays")
    func cleaning() async throws {
        try await withWorkspace { pool, rows, workspace in
            let loop = pool.anyLoop
            let store = FolderStore(folder: try TemporaryFolder.make("files"))
            let (removed, vanished) = (UUID(), UUID())
            for id in [removed, vanished] { _ = try await pool.query(Self.addWorkspace, [id, "online"]) }
            let kept = try await put("kept", workspace, rows, store, on: loop)
            let gone = [
                (removed, try await put("removed", removed, rows, store, on: loop)),
                (vanished, try await put("vanished", vanished, rows, store, on: loop)),
            ]
            let abandoned = try await put("abandoned", workspace, rows, store, on: loop)
            let pending = file("pending")
            _ = try await rows.register([pending, file("inside", .container)], of: workspace, .init())
            _ = try await pool.query(
                Statement(
                    "",
                    """
                    UPDATE chat_files SET state = 'pending', created_at = now() - interval '61 minutes'
                    WHERE name = 'abandoned'
                    """))
            _ = try await pool.query(Statement("", "UPDATE workspaces SET status = 'removed' WHERE id = $1"), [removed])
            _ = try await pool.query(Statement("", "DELETE FROM workspaces WHERE id = $1"), [vanished])
            #expect(try await states(pool).count == 6)

            // Without its store an instance leaves them to one that has it.
            let without = ChatFileCleaner(
                rows: FileDeletionRows(postgres: pool), store: nil, loop: loop, logger: .disabled)
            try await without.clean()
            #expect(try await states(pool).count { $0 == "doomed" } == 3)

            let cleaner = ChatFileCleaner(
                rows: FileDeletionRows(postgres: pool), store: store, loop: loop, logger: .disabled)
            try await cleaner.clean()
            #expect(try await states(pool).sorted() == ["pending", "pending", "stored"])
            for (id, row) in gone + [(workspace, abandoned)] {
                await #expect(throws: FileStoreError.self) {
                    try await store.open(row.stored, of: id, size: row.size, range: 0..<1, on: loop)
                }
            }
            let source = try await store.open(kept.stored, of: workspace, size: 4, range: 1..<3, on: loop)
            #expect(try await HTTPBody.stream(source).collect(upTo: 10) == Array("ep".utf8))
            let folders = try FileManager.default.contentsOfDirectory(atPath: store.folder)
            #expect(Set(folders) == [".incoming", workspace.uuidString.lowercased()])
        }
    }

    @Test("What a killed instance left half written is swept, and what is being written is not")
    func leftovers() async throws {
        let group = EventLoopGroup(count: 1)
        defer { group.shutdown() }
        let store = FolderStore(folder: try TemporaryFolder.make("files"))
        let incoming = "\(store.folder)/.incoming"
        try FileManager.default.createDirectory(atPath: incoming, withIntermediateDirectories: true)
        for name in ["old", "new"] { try Data([1]).write(to: URL(fileURLWithPath: "\(incoming)/\(name)")) }
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSinceNow: -3700)], ofItemAtPath: "\(incoming)/old")
        try await store.sweep(on: group.loops[0])
        #expect(try FileManager.default.contentsOfDirectory(atPath: incoming) == ["new"])
    }

    @Test("A file in the folder is what was put there: no link, and not one of another size")
    func replaced() async throws {
        try await withWorkspace { pool, rows, workspace in
            let (loop, store) = (pool.anyLoop, FolderStore(folder: try TemporaryFolder.make("files")))
            let row = try await put("file", workspace, rows, store, on: loop)
            let path = "\(store.folder)/\(workspace.uuidString.lowercased())/\(row.stored)"
            for replace in [
                { try Data("longer".utf8).write(to: URL(fileURLWithPath: path)) },
                {
                    try FileManager.default.removeItem(atPath: path)
                    try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: "/etc/passwd")
                },
                {
                    try FileManager.default.removeItem(atPath: path)
                    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
                },
            ] {
                try replace()
                do throws(FileStoreError) {
                    _ = try await store.open(row.stored, of: workspace, size: 4, range: 0..<4, on: loop)
                    Issue.record("was opened")
                } catch { #expect(error.kind == .missing) }
            }
        }
    }
}
