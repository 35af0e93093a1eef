import EventLoop
import Foundation
import Observability
import ServiceLifecycle

/// Removes files that are to go: first they are marked, then their bytes go, then their rows. Any number of instances do
/// it side by side, and go on where one was killed.
struct ChatFileCleaner: GracefulService {
    private static let interval: Duration = .seconds(60)
    private static let batch = 100
    private static let workspacesAtOnce = 500
    /// Longer than an upload can take to be written.
    private static let abandonedAfter: Double = 3600

    let name = "chat-files"
    let rows: DoomedFileRows
    let store: (any FileStore)?
    let loop: EventLoop
    let logger: Logger

    func run(until shutdown: ShutdownSignal) async throws {
        try await PeriodicService(name, every: Self.interval, on: loop, clean).run(until: shutdown)
    }

    /// One turn.
    func clean() async throws {
        do {
            try await store?.sweep(on: loop)
            try await rows.markAbandoned(olderThan: Self.abandonedAfter, limit: 10 * Self.batch)
            try await markRemoved()
            while try await removeSome() {}
        } catch {
            logger.warning("files of chats were not removed", [.error: .error(error)])
            throw error
        }
    }

    private func markRemoved() async throws {
        var position = UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))
        while true {
            let limit = 10 * Self.batch
            let (marked, last) = try await rows.markRemoved(
                after: position, workspaces: Self.workspacesAtOnce, limit: limit)
            // As many as it may: there may be more of the same workspaces.
            if marked == limit { continue }
            guard let last else { return }
            position = last
        }
    }

    /// - Returns: whether there may be more.
    private func removeSome() async throws -> Bool {
        let doomed = try await rows.claim(Self.batch, hasStore: store != nil)
        var gone: [UUID] = []
        var failure: (any Error)?
        for file in doomed {
            do {
                // What is in a container goes with the container.
                if file.storage == .store { try await store?.remove(file.stored, of: file.workspace, on: loop) }
                gone.append(file.id)
            } catch {
                failure = error
                break
            }
        }
        try await rows.delete(gone)
        if let failure { throw failure }
        return doomed.count == Self.batch
    }
}
