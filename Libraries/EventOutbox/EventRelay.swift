import AMQP
import Batching
import Contracts
import Observability
import Postgres
import UVLoop

/// Publishes committed events and deletes them from `event_outbox`, into which a trigger inserts each. An event that is
/// not published, for whatever reason, stays there for the sweeper: so nothing here retries, and nothing waits for it.
package final class EventRelay: Sendable {
    /// Coalescing delay between two batches under load: the broker confirms too quickly for batches to grow.
    private static let pause: Duration = .milliseconds(5)

    private let batcher: Batcher<CommittedEvent, Void>
    private let unpublished: Counter

    package init(postgres: PostgresPool, publisher: AMQPPublisher, logger: Logger, metrics: MetricsRegistry) {
        let published = metrics.counter("switchyard_events_published_total", "Durable events confirmed by the broker.")
        let unpublished = metrics.counter("switchyard_events_left_total", "Durable events left to the sweeper's relay.")
        self.unpublished = unpublished
        // Events committed while a batch is in flight form the next one: a message costs the broker far more than an
        // event.
        let pacing = BatchPacing(
            executor: { postgres.anyLoop }, overlapsOnlyWhenFull: true,
            pause: { try? await postgres.anyLoop.sleep(for: Self.pause) })
        batcher = Batcher(limit: 500, concurrency: 2, capacity: 50_000, pacing: pacing) { events in
            let sent = await Self.send(events, publisher: publisher)
            Self.logUnpublishable(of: sent.unpublishable, logger)
            var settled = 0
            do {
                try await Self.settle(sent.settled, postgres: postgres)
                settled = sent.settled.count
                if let failure = sent.failure { throw failure }
            } catch {
                logger.debug("events left to the sweeper", [.error: .string("\(error)")])
            }
            published.increment(by: max(0, settled - sent.unpublishable.count))
            unpublished.increment(by: events.count - settled)
            return events.map { _ in }
        }
    }

    /// Enqueues events whose transaction has committed. Returns at once.
    package func committed(_ events: [CommittedEvent]) {
        for event in events where !batcher.add(event) { unpublished.increment() }
    }

    /// A connection caches a plan that was made while there were few events, when a sequential scan looks as cheap as
    /// the index, until the next ANALYZE; by then there may be a hundred thousand.
    private static let byIndex = Statement("outbox_by_index", "SET LOCAL enable_seqscan = off")

    /// For a transaction that looks events up: its statements use indexes, however small the tables were when their
    /// plans were made.
    package static let usingIndexes = Call(byIndex)

    private static let take = Statement("outbox_take", "DELETE FROM event_outbox WHERE sequence = ANY ($1)")

    /// The statements that delete settled events from the outbox, in one transaction.
    package static func settling(_ sequences: [Int]) -> [Call] { [usingIndexes, Call(take, [sequences])] }

    /// The result of publishing events.
    package struct Sent: Sendable {
        /// Not to be retried: the broker has confirmed them, or they are unpublishable.
        package var settled: [CommittedEvent] = []
        /// Events that the broker will never accept: too large, for example. They are in the log all the same.
        package var unpublishable: [(event: CommittedEvent, error: AMQPError)] = []
        /// Why the others were not confirmed.
        package var failure: AMQPError?

        package init() {}
    }

    /// Publishes events, and waits for the broker's confirms. An event that cannot be published does not affect the
    /// others.
    package static func send(_ events: [CommittedEvent], publisher: AMQPPublisher) async -> Sent {
        let batches = CloudEvent.batches(of: events.map(\.event)).map { $0.map { events[$0] } }
        let outcomes = await publisher.outcomes(of: batches.map { CloudEvent.message(of: $0.map(\.event)) })
        var sent = Sent()
        for (batch, error) in zip(batches, outcomes) {
            if let error, error.isRetryable {
                sent.failure = sent.failure ?? error
                continue
            }
            sent.settled += batch
            if let error { sent.unpublishable += batch.map { ($0, error) } }
        }
        return sent
    }

    /// Logs the events that will never be published.
    package static func logUnpublishable(
        of unpublishable: [(event: CommittedEvent, error: AMQPError)], _ logger: Logger
    ) {
        for (event, error) in unpublishable {
            logger.error(
                "event cannot be published, only consumers of the log get it",
                [
                    .event: .string(event.event.type), .eventID: .string("\(event.event.id)"),
                    .error: .string("\(error)"),
                ])
        }
    }

    private static func settle(_ events: [CommittedEvent], postgres: PostgresPool) async throws {
        if events.isEmpty { return }
        _ = try await postgres.atomically(settling(events.map { Int($0.sequence) }))
    }
}
