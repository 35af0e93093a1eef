import AMQPClient
import Contracts
import EventOutbox
import Observability
import PostgresClient

/// Publishes events that the service which wrote them did not manage to: it died, or the broker was away.
package struct EventRelayPass: SweepPass {
    private static let batch = 500
    /// Of the data of one batch. Nobody knows how large events are (an agent's card is in some), and the publisher takes
    /// a batch in as a whole or not at all: one too large would stand at the head of the log for ever.
    private static let batchBytes = 16 << 20

    package let name = "unpublished-events"
    package let interval: Duration = .seconds(1)
    private let postgres: PostgresPool
    private let publisher: AMQPPublisher
    private let logger: Logger
    private let unreadable: RepeatedWarning

    package init(postgres: PostgresPool, publisher: AMQPPublisher, logger: Logger) {
        self.postgres = postgres
        self.publisher = publisher
        self.logger = logger
        unreadable = RepeatedWarning("unpublished events cannot be read", logger)
    }

    private static let take = Statement(
        "relay_take",
        """
        SELECT \(CommittedEvent.columns), place FROM (
          SELECT e.*, oldest.sequence AS place, coalesce(sum(octet_length(data::text)) OVER (
            ORDER BY oldest.sequence ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before
          FROM (
            SELECT sequence FROM event_outbox WHERE created_at < now() - interval '2 seconds'
            ORDER BY sequence LIMIT $1) AS oldest
          LEFT JOIN structure_events e ON e.sequence = oldest.sequence) AS measured
        WHERE before < $2 ORDER BY place
        """)

    private static let lock = Statement(
        "relay_lock", "SELECT pg_try_advisory_xact_lock(hashtextextended('switchyard event relay', 0))")

    /// What became of one batch.
    private struct Batch {
        var relayed = 0
        /// Those that are not in the log any more, although nobody has published them.
        var missing = 0
        var failure: AMQPError?
    }

    package func run() async throws -> [String: Int] {
        guard publisher.isReady else { return [:] }
        var relayed = 0
        while !Task.isCancelled {
            let batch = try await relayBatch()
            relayed += batch.relayed
            if batch.missing > 0 {
                logger.error("events left the log before they were published", [.count: .int(batch.missing)])
            }
            if let failure = batch.failure { throw failure }
            if batch.relayed + batch.missing == 0 { break }
        }
        return ["relayed": relayed]
    }

    /// An advisory lock keeps two sweepers from publishing the same rows. It is no row lock on purpose: that would give
    /// the transaction an id, and readers of the log stop before the oldest one that is open.
    private func relayBatch() async throws -> Batch {
        try await postgres.transaction(deadline: .seconds(30)) { transaction in
            guard try await transaction.query(Self.lock).only({ $0.bool(0) }) else { return Batch() }
            let rows = try await transaction.query(
                [EventRelay.usingIndexes, Call(Self.take, [Self.batch, Self.batchBytes])])[1]
            let (places, refused) = rows.decodeEach { (event: CommittedEvent(row: $0), sequence: $0.int(8)) }
            if let error = refused.first {
                unreadable.note([.count: .int(refused.count), .error: .error(error)])
            }
            let events = places.compactMap(\.event)
            let missing = places.filter { $0.event == nil }.map(\.sequence)
            let sent = events.isEmpty ? EventRelay.Sent() : await EventRelay.send(events, publisher: publisher)
            EventRelay.tell(of: sent.unpublishable, logger)
            let settled = missing + sent.settled.map { Int($0.sequence) }
            if !settled.isEmpty { _ = try await transaction.query(EventRelay.settling(settled)) }
            return Batch(relayed: sent.settled.count, missing: missing.count, failure: sent.failure)
        }
    }
}
