import Batching
import Foundation
import PostgresClient
import Synchronization

/// Targets by id, each believed for 5 s, forgotten at once when an event says that something changed.
package final class TargetCache: Sendable {
    private struct Entry {
        let target: Target
        let loadedAt: ContinuousClock.Instant
    }

    private struct State {
        var entries: [UUID: Entry] = [:]
        /// Raised when something is forgotten: an answer of a query that began before must not be kept.
        var generation = 0
    }

    /// Events tell of nearly every change; this bounds what one that was lost can do.
    private static let lifetime: Duration = .seconds(5)
    /// Spending is reported by heartbeats, which do not invalidate: a workspace with a budget is looked at more often.
    private static let budgetLifetime: Duration = .milliseconds(250)
    /// A refusal is only given on what is this fresh.
    private static let refusalLifetime: Duration = .milliseconds(50)
    private static let limit = 200_000

    private let state = Mutex(State())
    private let loads: Batcher<UUID, Target?>

    package init(store: TargetStore) {
        loads = Batcher(limit: 200, concurrency: 4) { ids in
            let found = try await store.find(Set(ids))
            let byID = Dictionary(found.map { ($0.id, $0) }) { first, _ in first }
            return ids.map { byID[$0] }
        }
    }

    /// The target as far as the cache knows it; asks the database when it does not, or not any more.
    ///
    /// - Returns: nil when there is no such workspace.
    package func find(_ id: UUID) async throws -> Target? {
        try await find(id, lifetime: Self.lifetime)
    }

    /// The target as the database has it (or had it a moment ago): what a refusal must stand on.
    package func verified(_ id: UUID) async throws -> Target? {
        try await find(id, lifetime: Self.refusalLifetime)
    }

    /// The target as the database has it now: for a call that found nobody where the cache, however fresh, said.
    package func reloaded(_ id: UUID) async throws -> Target? {
        try await find(id, lifetime: .zero)
    }

    /// The target if the cache has it and it is to be believed.
    package func known(_ id: UUID, at now: ContinuousClock.Instant) -> Target? {
        state.withLock { state in
            guard let entry = state.entries[id], Self.isFresh(entry, now, Self.lifetime) else { return nil }
            return entry.target
        }
    }

    private static func isFresh(_ entry: Entry, _ now: ContinuousClock.Instant, _ lifetime: Duration) -> Bool {
        now - entry.loadedAt < (entry.target.budgetLimit == nil ? lifetime : min(lifetime, budgetLifetime))
    }

    private func find(_ id: UUID, lifetime: Duration) async throws -> Target? {
        let now = ContinuousClock.now
        let (entry, generation) = state.withLock { ($0.entries[id], $0.generation) }
        if let entry, Self.isFresh(entry, now, lifetime) { return entry.target }
        let target = try await loads.submit(id)
        state.withLock { state in
            guard let target else {
                state.entries[id] = nil
                return
            }
            guard state.generation == generation else { return }
            if state.entries.count >= Self.limit { state.entries.removeAll() }
            state.entries[id] = Entry(target: target, loadedAt: now)
        }
        return target
    }

    package func forget(_ id: UUID) {
        state.withLock { state in
            state.entries[id] = nil
            state.generation += 1
        }
    }

    /// Positions in the tree are kept with every entry: a move concerns the workspace and those below it.
    package func forgetSubtree(of root: UUID) {
        state.withLock { state in
            state.entries = state.entries.filter { !$0.value.target.isInSubtree(of: root) }
            state.generation += 1
        }
    }

    /// Events may have been missed.
    package func forgetAll() {
        state.withLock { state in
            state.entries.removeAll()
            state.generation += 1
        }
    }
}
