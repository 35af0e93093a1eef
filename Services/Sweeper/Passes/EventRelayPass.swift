import AMQP
import Contracts
import EventOutbox
import Observability
import Postgres

/// Publishes committed events that their own service did not publish, because it died or the broker was unavailable.
package struct EventRelayPass: SweepPass {
    private static let batch = 500
    /// Bytes of the data of one batch. Events may be large (some have an agent's card), and the publisher accepts a
    /// batch as a whole or not at all: one too large would block the log for ever.
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

    /// The result of one batch.
    private struct Batch {
        var relayed = 0
        /// Events that are not in the log any more, although they were not published.
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

    /// An advisory lock keeps two sweepers from publishing the same rows. A row lock would give the transaction an id,
    /// and readers of the log stop before the oldest open one.
    private func relayBatch() async throws -> Batch {
        try await postgres.transaction(deadline: .seconds(30)) { transaction in
            guard try await transaction.query(Self.lock).only({ $0.bool(0) }) else { return Batch() }
            let rows = try await transaction.query(
                [EventRelay.usingIndexes, Call(Self.take, [Self.batch, Self.batchBytes])])[1]
            let (entries, unreadableRows) = rows.decodeEach { (event: CommittedEvent(row: $0), sequence: $0.int(8)) }
            if let error = unreadableRows.first {
                unreadable.log([.count: .int(unreadableRows.count), .error: .error(error)])
            }
            let events = entries.compactMap(\.event)
            let missing = entries.filter { $0.event == nil }.map(\.sequence)
            let sent = events.isEmpty ? EventRelay.Sent() : await EventRelay.send(events, publisher: publisher)
            EventRelay.logUnpublishable(of: sent.unpublishable, logger)
            let settled = missing + sent.settled.map { Int($0.sequence) }
            if !settled.isEmpty { _ = try await transaction.query(EventRelay.settling(settled)) }
            return Batch(relayed: sent.settled.count, missing: missing.count, failure: sent.failure)
        }
    }
}
