import AMQPClient
import Batching
import Contracts
import Observability
import PostgresClient

/// Publishes committed events and marks their rows. What it does not manage, for whatever reason, is left to the
/// sweeper, which looks for rows that stayed unpublished: so nothing here retries, and nothing waits for it.
package final class EventRelay: Sendable {
    private let batcher: Batcher<CommittedEvent, Void>
    private let left: Counter

    package init(postgres: PostgresPool, publisher: AMQPPublisher, logger: Logger, metrics: MetricsRegistry) {
        let published = metrics.counter("switchyard_events_published_total", "Durable events confirmed by the broker.")
        let left = metrics.counter("switchyard_events_left_total", "Durable events left to the sweeper's relay.")
        self.left = left
        // What is committed while a batch is on its way travels together: a message costs the broker far more than an event.
        let pacing = BatchPacing(overlapsOnlyWhenFull: true)
        batcher = Batcher(limit: 500, concurrency: 2, capacity: 50_000, pacing: pacing) { events in
            do {
                try await Self.publish(events, publisher: publisher, postgres: postgres)
                published.increment(by: events.count)
            } catch {
                left.increment(by: events.count)
                logger.debug("events left to the sweeper", [.count: .int(events.count), .error: .string("\(error)")])
            }
            return events.map { _ in }
        }
    }

    /// Hands over events whose transaction has committed. Returns at once.
    package func committed(_ events: [CommittedEvent]) {
        for event in events where !batcher.add(event) { left.increment() }
    }

    /// A connection keeps a plan that was made while there were few events, when reading them all looks as cheap as the
    /// index, until they are next analysed; by then there may be a hundred thousand.
    private static let byIndex = Statement("event_mark_by_index", "SET LOCAL enable_seqscan = off")

    private static let mark = Statement(
        "event_mark_published",
        "UPDATE structure_events SET published_at = now() WHERE sequence = ANY ($1) AND published_at IS NULL")

    /// Publishes events and marks their rows once the broker has confirmed them all.
    package static func publish(
        _ events: [CommittedEvent], publisher: AMQPPublisher, postgres: PostgresPool
    ) async throws {
        try await publisher.publish(CloudEvent.messages(of: events.map(\.event)))
        _ = try await postgres.atomically([Call(byIndex), Call(mark, [events.map { Int($0.sequence) }])])
    }
}
