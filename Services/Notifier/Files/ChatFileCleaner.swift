import Foundation
import Observability
import ServiceLifecycle
import UVLoop

/// Deletes abandoned files and those of removed workspaces: marks them, then deletes the bytes, then the rows.
/// Instances run concurrently, and continue where a killed one stopped.
struct ChatFileCleaner: GracefulService {
    private static let interval: Duration = .seconds(60)
    private static let batch = 100
    private static let workspaceBatch = 500
    /// Seconds; longer than the write of an upload can take.
    private static let abandonedAfter: Double = 3600

    let name = "chat-files"
    let rows: FileDeletionRows
    let store: (any FileStore)?
    let loop: EventLoop
    let logger: Logger

    func run(until shutdown: ShutdownSignal) async throws {
        try await PeriodicService(name, every: Self.interval, on: loop, clean).run(until: shutdown)
    }

    /// One run.
    func clean() async throws {
        do {
            try await store?.sweep(on: loop)
            try await rows.markAbandoned(olderThan: Self.abandonedAfter, limit: 10 * Self.batch)
            try await markRemoved()
            while try await deleteBatch() {}
        } catch {
            logger.warning("files of chats were not deleted", [.error: .error(error)])
            throw error
        }
    }

    private func markRemoved() async throws {
        var position = UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))
        while true {
            let limit = 10 * Self.batch
            let (marked, last) = try await rows.markRemoved(
                after: position, workspaces: Self.workspaceBatch, limit: limit)
            // The limit is reached: there may be more of the same workspaces.
            if marked == limit { continue }
            guard let last else { return }
            position = last
        }
    }

    /// - Returns: whether there may be more.
    private func deleteBatch() async throws -> Bool {
        let files = try await rows.claim(Self.batch, hasStore: store != nil)
        var deleted: [UUID] = []
        var failure: (any Error)?
        for file in files {
            do {
                // Files in a container are removed with the container.
                if file.storage == .store { try await store?.remove(file.stored, of: file.workspace, on: loop) }
                deleted.append(file.id)
            } catch {
                failure = error
                break
            }
        }
        try await rows.delete(deleted)
        if let failure { throw failure }
        return files.count == Self.batch
    }
}
