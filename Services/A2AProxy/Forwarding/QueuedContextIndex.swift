import Batching
import Contracts
import EventOutbox
import Foundation
import Synchronization

/// Tells whether an earlier message of a context is in a target's queue, which a direct message must not overtake. The
/// database is queried only for targets that may have queued items with a context. Those are known from what this
/// instance stored, from the other instances' notifications, and from a query for all of them every few seconds.
package final class QueuedContextIndex: Sendable {
    private struct State {
        /// With the time of the last notification for each.
        var targets: [UUID: ContinuousClock.Instant] = [:]
        /// Whether `targets` has all of them: not before the first query, nor after notifications may have been lost.
        var isComplete = false
        /// When notifications may last have been lost.
        var lastGap = ContinuousClock.now
    }

    /// Of targets in memory; if there are more, the database is queried for every message with a context.
    private static let limit = 10_000

    private let state = Mutex(State())
    private let store: QueueStore
    private let notifications: Batcher<UUID, Void>

    package init(store: QueueStore, broadcast: EventBroadcast) {
        self.store = store
        notifications = Batcher(limit: 500, capacity: Self.limit) { targets in
            let data = RawJSON(unchecked: Array("{}".utf8))
            broadcast.send(.a2aContextWaiting, Set(targets).map { (workspace: $0, data: data) })
            return targets.map { _ in }
        }
    }

    /// Whether a message of the context is queued, or is being delivered from the queue.
    package func hasMessage(of context: String, for target: UUID) async throws -> Bool {
        guard mayHaveMessages(for: target) else { return false }
        return try await store.hasMessage(ofContext: context, for: target)
    }

    /// From memory alone: false is certain as far as this instance has been notified.
    package func mayHaveMessages(for target: UUID) -> Bool {
        state.withLock { !$0.isComplete || $0.targets[target] != nil }
    }

    /// This instance has stored a message with a context. Returns when the notification of the other instances is sent.
    package func stored(for target: UUID) async {
        note(target)
        try? await notifications.submit(target)
    }

    /// Some instance has stored a message with a context.
    package func note(_ target: UUID) {
        state.withLock { state in
            if state.targets.count >= 2 * Self.limit {
                state.targets.removeAll()
                state.isComplete = false
            }
            state.targets[target] = .now
        }
    }

    /// Notifications may have been lost.
    package func forget() {
        state.withLock { state in
            state.isComplete = false
            state.lastGap = .now
        }
    }

    /// Queries all targets. Notifications that arrive meanwhile are kept, since the query may have missed them.
    package func refresh() async throws {
        let start = ContinuousClock.now
        let found = try await store.targetsOfContexts(limit: Self.limit)
        state.withLock { state in
            let later = state.targets.filter { $0.value >= start }
            state.targets = Dictionary(found.map { ($0, start) }) { $1 }.merging(later) { $1 }
            state.isComplete = found.count < Self.limit && state.lastGap <= start
        }
    }
}
