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
        SELECT \(CommittedEvent.columns) FROM (
          SELECT e.*, sum(octet_length(data::text)) OVER (ORDER BY e.sequence) - octet_length(data::text) AS before FROM (
            SELECT sequence FROM event_outbox WHERE created_at < now() - interval '2 seconds'
            ORDER BY sequence LIMIT $1) AS oldest
          JOIN structure_events e ON e.sequence = oldest.sequence) AS measured
        WHERE before < $2 ORDER BY sequence
        """)

    private static let lock = Statement(
        "relay_lock", "SELECT pg_try_advisory_xact_lock(hashtextextended('switchyard event relay', 0))")

    /// What is not in the log any more cannot be published, and must not stand before what can.
    private static let forget = Statement(
        "relay_forget",
        """
        DELETE FROM event_outbox WHERE sequence IN (
          SELECT sequence FROM (SELECT sequence FROM event_outbox ORDER BY sequence LIMIT $1) AS oldest
          WHERE NOT EXISTS (SELECT FROM structure_events e WHERE e.sequence = oldest.sequence))
        """)

    package func run() async throws -> [String: Int] {
        guard publisher.isReady else { return [:] }
        var total = 0
        while !Task.isCancelled {
            _ = try await postgres.atomically([EventRelay.usingIndexes, Call(Self.forget, [Self.batch])])
            let (count, failure) = try await relayBatch()
            total += count
            if let failure { throw failure }
            if count == 0 { break }
        }
        return ["relayed": total]
    }

    /// An advisory lock keeps two sweepers from publishing the same rows. It is no row lock on purpose: that would give
    /// the transaction an id, and readers of the log stop before the oldest one that is open.
    ///
    /// - Returns: how many events are settled, and why others are not.
    private func relayBatch() async throws -> (count: Int, failure: AMQPError?) {
        try await postgres.transaction(deadline: .seconds(30)) { transaction in
            guard try await transaction.query(Self.lock).only({ $0.bool(0) }) else { return (0, nil) }
            let rows = try await transaction.query(
                [EventRelay.usingIndexes, Call(Self.take, [Self.batch, Self.batchBytes])])[1]
            let (events, refused) = rows.decodeEach { CommittedEvent(row: $0) }
            if let error = refused.first {
                unreadable.note([.count: .int(refused.count), .error: .error(error)])
            }
            guard !events.isEmpty else { return (0, nil) }
            let sent = await EventRelay.send(events, publisher: publisher)
            EventRelay.tell(of: sent.unpublishable, logger)
            if !sent.settled.isEmpty {
                _ = try await transaction.query(EventRelay.settling(sent.settled))
            }
            return (sent.settled.count, sent.failure)
        }
    }
}
