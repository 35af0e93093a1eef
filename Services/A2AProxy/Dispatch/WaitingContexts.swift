import Batching
import Contracts
import EventOutbox
import Foundation
import Synchronization

/// Tells whether an earlier message of a context waits in a target's queue, which one that is sent directly must not
/// pass. The database is asked for targets alone for which something with a context waits, as far as is known: from
/// what this instance stored, from what the others say that they stored, and from a look at all of them every few
/// seconds.
package final class WaitingContexts: Sendable {
    private struct State {
        /// With when it was last heard of each.
        var targets: [UUID: ContinuousClock.Instant] = [:]
        /// There are no others. Until a first look, and after news may have been lost, there may be.
        var isComplete = false
        var lostNews = ContinuousClock.now
    }

    /// Of targets that are remembered; if there are more, the database is asked for every message with a context.
    private static let limit = 10_000

    private let state = Mutex(State())
    private let store: QueueStore
    private let news: Batcher<UUID, Void>

    package init(store: QueueStore, broadcast: EventBroadcast) {
        self.store = store
        news = Batcher(limit: 500, capacity: Self.limit) { targets in
            let data = RawJSON(unchecked: Array("{}".utf8))
            broadcast.send(.a2aContextWaiting, Set(targets).map { (workspace: $0, data: data) })
            return targets.map { _ in }
        }
    }

    /// Whether a message of the context waits, or is being delivered out of the queue.
    package func hasMessage(of context: String, for target: UUID) async throws -> Bool {
        guard mayHaveMessages(for: target) else { return false }
        return try await store.hasMessage(ofContext: context, for: target)
    }

    /// Without asking anybody: false is certain as far as this instance has been told.
    package func mayHaveMessages(for target: UUID) -> Bool {
        state.withLock { !$0.isComplete || $0.targets[target] != nil }
    }

    /// This instance has stored a message with a context. Returns when the other instances are being told.
    package func stored(for target: UUID) async {
        note(target)
        try? await news.submit(target)
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

    /// News may have been lost.
    package func forget() {
        state.withLock { state in
            state.isComplete = false
            state.lostNews = .now
        }
    }

    /// Looks at all targets. What is heard meanwhile is kept, since the look may have been too early for it.
    package func refresh() async throws {
        let start = ContinuousClock.now
        let found = try await store.targetsOfContexts(limit: Self.limit)
        state.withLock { state in
            let later = state.targets.filter { $0.value >= start }
            state.targets = Dictionary(found.map { ($0, start) }) { $1 }.merging(later) { $1 }
            state.isComplete = found.count < Self.limit && state.lostNews <= start
        }
    }
}
