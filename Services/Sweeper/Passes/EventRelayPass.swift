import AMQPClient
import EventOutbox
import PostgresClient

/// Publishes events that the service which wrote them did not manage to: it died, or the broker was away.
struct EventRelayPass: SweepPass {
    private static let batch = 500

    let name = "unpublished-events"
    let interval: Duration = .seconds(1)
    let postgres: PostgresPool
    let publisher: AMQPPublisher

    private static let take = Statement(
        "relay_take",
        """
        SELECT \(CommittedEvent.columns) FROM structure_events
        WHERE published_at IS NULL AND created_at < now() - interval '2 seconds'
        ORDER BY sequence LIMIT $1 FOR UPDATE SKIP LOCKED
        """)

    private static let mark = Statement(
        "relay_mark", "UPDATE structure_events SET published_at = now() WHERE sequence = ANY ($1)")

    func run() async throws -> [String: Int] {
        guard publisher.isReady else { return [:] }
        var total = 0
        while !Task.isCancelled {
            let count = try await relayBatch()
            total += count
            if count < Self.batch { break }
        }
        return ["relayed": total]
    }

    /// The rows stay locked while the broker confirms, so that two sweepers do not publish the same ones.
    private func relayBatch() async throws -> Int {
        try await postgres.transaction(deadline: .seconds(30)) { transaction in
            let events = try await transaction.query(Self.take, [Self.batch]).compactMap { CommittedEvent(row: $0) }
            guard !events.isEmpty else { return 0 }
            try await publisher.publish(events.map(\.event.message))
            _ = try await transaction.query(Self.mark, [events.map(\.sequence)])
            return events.count
        }
    }
}
