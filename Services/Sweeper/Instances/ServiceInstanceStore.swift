import Foundation
import Postgres

/// An instance of a service, as it registered itself.
package struct ServiceInstance: Sendable {
    package var instance: String
    package var service: String
    package var version: String
    package var startedAt: Date
    package var lastSeenAt: Date
    package var address: String
    package var isReady: Bool
    /// Whether its last announcement is recent enough.
    package var isAlive: Bool
    package var notReadySince: Date?
    /// JSON: `up` or `down`, by name.
    package var dependencies: [UInt8]
}

/// Events that the broker has not confirmed yet.
package struct UnpublishedEvents: Sendable, Hashable {
    package var count: Int
    /// Whole seconds; nil when there is none.
    package var oldestSeconds: Int?
}

/// The statements about instances that are running.
package struct ServiceInstanceStore: Sendable {
    /// Seconds without an announcement after which an instance counts as dead: three announcements are due in that
    /// time.
    private static let timeout = 30.0

    let postgres: PostgresPool

    package init(postgres: PostgresPool) {
        self.postgres = postgres
    }

    private static let list = Statement(
        "instance_list",
        """
        SELECT instance, service, version, started_at, last_seen_at, address, is_ready,
            last_seen_at >= now() - make_interval(secs => $1), not_ready_since, dependencies
        FROM service_instances ORDER BY service, started_at, instance
        """)

    /// All recorded instances, by service.
    package func all() async throws(PostgresError) -> [ServiceInstance] {
        try await postgres.query(Self.list, [Self.timeout]).map { row in
            ServiceInstance(
                instance: row.string(0), service: row.string(1), version: row.string(2), startedAt: row.date(3),
                lastSeenAt: row.date(4), address: row.string(5), isReady: row.bool(6), isAlive: row.bool(7),
                notReadySince: row.optionalDate(8), dependencies: row.bytes(9))
        }
    }

    /// The first in log order is the oldest, except for overlapping transactions.
    private static let unpublished = Statement(
        "instance_unpublished",
        """
        SELECT (SELECT count(*) FROM event_outbox), (
            SELECT greatest(0, extract(epoch FROM clock_timestamp() - created_at))::bigint FROM event_outbox
            ORDER BY sequence LIMIT 1)
        """)

    /// On an exclusive connection: while the broker is unavailable there may be very many.
    package func unpublished() async throws -> UnpublishedEvents {
        try await postgres.transaction(deadline: .seconds(10), readOnly: true) { transaction in
            try await transaction.query(Self.unpublished).only { row in
                UnpublishedEvents(count: row.int(0), oldestSeconds: row.optionalInt(1))
            }
        }
    }
}
