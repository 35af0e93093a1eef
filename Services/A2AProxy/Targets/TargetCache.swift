import Batching
import Foundation
import Postgres
import Synchronization

/// Targets by id, each believed for 5 s, forgotten at once when an event says that something changed.
package final class TargetCache: Sendable {
    private struct Entry {
        let target: Target
        let loadedAt: ContinuousClock.Instant
    }

    /// Queries about one workspace that are under way.
    private struct Load {
        var count = 0
        /// Raised when the workspace is forgotten: a result of a query that began before must not be kept.
        var generation = 0
    }

    private struct State {
        var recent: [UUID: Entry] = [:]
        /// What was recent until there was too much of it. An entry is believed for so short a time that what is in use is
        /// among the recent ones again before these go.
        var older: [UUID: Entry] = [:]
        var loads: [UUID: Load] = [:]

        func entry(_ id: UUID) -> Entry? { recent[id] ?? older[id] }

        /// - Returns: what `endLoad` is to be told.
        mutating func beginLoad(_ id: UUID) -> Int {
            loads[id, default: Load()].count += 1
            return loads[id]?.generation ?? 0
        }

        /// - Returns: whether what was loaded may be kept.
        mutating func endLoad(_ id: UUID, _ generation: Int) -> Bool {
            defer {
                loads[id]?.count -= 1
                if loads[id]?.count == 0 { loads[id] = nil }
            }
            return loads[id]?.generation == generation
        }

        mutating func forget(_ id: UUID) {
            recent[id] = nil
            older[id] = nil
            loads[id]?.generation += 1
        }

        /// No result of a query that is under way may be kept.
        mutating func forgetLoads() {
            for id in loads.keys { loads[id]?.generation += 1 }
        }

        /// - Returns: what is dropped for it, to be freed by whoever is in no hurry.
        mutating func keep(_ entry: Entry, limit: Int) -> [UUID: Entry] {
            let id = entry.target.id
            if let kept = self.entry(id), kept.loadedAt > entry.loadedAt { return [:] }
            var dropped: [UUID: Entry] = [:]
            if recent.count >= limit / 2 { (dropped, older, recent) = (older, recent, [:]) }
            recent[id] = entry
            return dropped
        }
    }

    /// Events tell of nearly every change; this bounds what one that was lost can do.
    private static let lifetime: Duration = .seconds(5)
    /// Spending is reported by heartbeats, which do not invalidate: a workspace with a budget is looked at more often.
    private static let budgetLifetime: Duration = .milliseconds(250)
    /// A refusal is only given on what is this fresh.
    private static let refusalLifetime: Duration = .milliseconds(50)

    private let state = Mutex(State())
    private let limit: Int
    private let loads: Batcher<UUID, Target?>

    package convenience init(store: TargetStore) {
        self.init { try await store.find($0) }
    }

    /// - Parameters:
    ///   - limit: workspaces that are kept at most.
    ///   - load: those of some workspaces that exist, as they are now.
    package init(limit: Int = 200_000, load: @escaping @Sendable (Set<UUID>) async throws -> [Target]) {
        self.limit = limit
        loads = Batcher(limit: 200, concurrency: 4) { ids in
            let found = try await load(Set(ids))
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
            guard let entry = state.entry(id), Self.isFresh(entry, now, Self.lifetime) else { return nil }
            return entry.target
        }
    }

    private static func isFresh(_ entry: Entry, _ now: ContinuousClock.Instant, _ lifetime: Duration) -> Bool {
        now - entry.loadedAt < (entry.target.budgetLimit == nil ? lifetime : min(lifetime, budgetLifetime))
    }

    private func find(_ id: UUID, lifetime: Duration) async throws -> Target? {
        let now = ContinuousClock.now
        let (known, generation) = state.withLock { state -> (Target?, Int) in
            if let entry = state.entry(id), Self.isFresh(entry, now, lifetime) { return (entry.target, 0) }
            return (nil, state.beginLoad(id))
        }
        if let known { return known }
        let loaded: Target?
        do {
            loaded = try await loads.submit(id)
        } catch {
            _ = state.withLock { $0.endLoad(id, generation) }
            throw error
        }
        // Freed when this returns, not under the lock.
        _ = state.withLock { state -> [UUID: Entry] in
            let mayKeep = state.endLoad(id, generation)
            guard let loaded else {
                state.forget(id)
                return [:]
            }
            return mayKeep ? state.keep(Entry(target: loaded, loadedAt: now), limit: limit) : [:]
        }
        return loaded
    }

    package func forget(_ id: UUID) {
        state.withLock { $0.forget(id) }
    }

    /// Positions in the tree are kept with every entry: a move concerns the workspace and those below it.
    package func forgetSubtree(of root: UUID) {
        state.withLock { state in
            state.recent = state.recent.filter { !$0.value.target.isInSubtree(of: root) }
            state.older = state.older.filter { !$0.value.target.isInSubtree(of: root) }
            // Where those that are being loaded will be is not known yet.
            state.forgetLoads()
        }
    }

    /// Events may have been missed.
    package func forgetAll() {
        state.withLock { state in
            (state.recent, state.older) = ([:], [:])
            state.forgetLoads()
        }
    }
}
