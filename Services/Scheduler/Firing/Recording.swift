import Contracts
import EventOutbox
import Foundation
import Observability
import Postgres
import Synchronization

/// Records the outcomes of runs.
package struct Recording: Sendable {
    let store: OutcomeStore
    let relay: EventRelay
    let broadcast: EventBroadcast
    let metrics: SchedulerMetrics
    let logger: Logger

    package init(
        store: OutcomeStore, relay: EventRelay, broadcast: EventBroadcast, metrics: SchedulerMetrics, logger: Logger
    ) {
        self.store = store
        self.relay = relay
        self.broadcast = broadcast
        self.metrics = metrics
        self.logger = logger
    }

    /// Records all ended runs that no other instance has claimed.
    package func recordEnded() async throws -> [String: Int] {
        var count = 0
        while !Task.isCancelled {
            let recorded: Int
            do {
                recorded = try await record(upTo: OutcomeStore.batch)
            } catch let error as PostgresError where error.isOfARow {
                // The database rejects some run of the batch, which must not block the others.
                recorded = try await recordOneByOne()
            }
            count += recorded
            if recorded < OutcomeStore.batch { break }
        }
        return ["recorded": count]
    }

    /// Starts the deadlines of runs that are first in their workspace's queue.
    package func beginTurns() async throws -> [String: Int] {
        var count = 0
        while !Task.isCancelled {
            let begun = try await store.expediteAll()
            count += begun
            if begun < OutcomeStore.turns { break }
        }
        return ["begun": count]
    }

    private func record(upTo limit: Int, claimed: (([UUID]) -> Void)? = nil) async throws -> Int {
        let recorded = try await store.recordEnded(upTo: limit, claimed: claimed)
        relay.committed(recorded.events)
        broadcast.publish(of: recorded.records)
        for (schedule, item) in recorded.unreadable { logGivenUp(schedule, item, "its row cannot be read") }
        for record in recorded.records { metrics.outcomes.labelled(record.status.rawValue).increment() }
        return recorded.count
    }

    private func recordOneByOne() async throws -> Int {
        var count = 0
        while count < OutcomeStore.batch, !Task.isCancelled {
            let claimed = Mutex<UUID?>(nil)
            do {
                guard try await record(upTo: 1, claimed: { ids in claimed.withLock { $0 = ids.first } }) > 0 else {
                    break
                }
            } catch let error as PostgresError where error.isOfARow {
                guard let item = claimed.withLock({ $0 }) else { throw error }
                if let schedule = try await store.giveUp(item) { logGivenUp(schedule, item, "\(error)") }
            }
            count += 1
        }
        return count
    }

    private func logGivenUp(_ schedule: UUID, _ item: UUID, _ reason: String) {
        logger.warning(
            "run of a schedule cannot be recorded",
            [.scheduleID: .uuid(schedule), .queueID: .uuid(item), .error: .string(reason)])
    }
}
