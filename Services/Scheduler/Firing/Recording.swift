import Contracts
import EventOutbox
import Observability

/// Records how runs ended.
package struct Recording: Sendable {
    let store: OutcomeStore
    let relay: EventRelay
    let broadcast: EventBroadcast
    let metrics: SchedulerMetrics

    package init(store: OutcomeStore, relay: EventRelay, broadcast: EventBroadcast, metrics: SchedulerMetrics) {
        self.store = store
        self.relay = relay
        self.broadcast = broadcast
        self.metrics = metrics
    }

    /// Until none is left that nobody else is recording.
    package func recordEnded() async throws -> [String: Int] {
        var count = 0
        while !Task.isCancelled {
            let recorded = try await store.recordEnded()
            relay.committed(recorded.events)
            broadcast.tell(of: recorded.records)
            for record in recorded.records { metrics.outcomes.labelled(record.status.rawValue).increment() }
            count += recorded.count
            if recorded.count < OutcomeStore.batch { break }
        }
        return ["recorded": count]
    }
}
