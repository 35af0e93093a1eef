import Contracts
import Foundation
import JSONBytes
import PostgresClient
import Synchronization

/// The last tick of each pass, of whichever instance did it: what `/admin/liveness` shows.
package final class TickStore: Sendable {
    /// A pass every second need not be a commit every second.
    private static let interval: Duration = .seconds(5)

    private let postgres: PostgresPool
    private let instance: String
    private let written = Mutex<[String: ContinuousClock.Instant]>([:])

    package init(postgres: PostgresPool, instance: String) {
        self.postgres = postgres
        self.instance = instance
    }

    private static let upsert = Statement(
        "tick_upsert",
        """
        INSERT INTO subsystem_ticks (name, instance, duration_seconds, counts) VALUES ($1, $2, $3, $4)
        ON CONFLICT (name) DO UPDATE SET instance = $2, last_tick_at = clock_timestamp(), duration_seconds = $3,
            counts = $4
        """)

    /// Notes a tick. A tick that cannot be written is no failure of the pass.
    package func note(_ pass: String, duration: Duration, counts: [String: Int]) async {
        let now = ContinuousClock.now
        let isDue = written.withLock { written in
            if let last = written[pass], now - last < Self.interval { return false }
            written[pass] = now
            return true
        }
        guard isDue else { return }
        var writer = JSONWriter()
        writer.object { writer in
            for (what, count) in counts.sorted(by: { $0.key < $1.key }) { writer.member(what, count) }
        }
        _ = try? await postgres.query(Self.upsert, [pass, instance, duration.inSeconds, writer.bytes])
    }

    private static let all = Statement(
        "tick_all",
        """
        SELECT name, last_tick_at, extract(epoch FROM clock_timestamp() - last_tick_at)::float8
        FROM subsystem_ticks ORDER BY name
        """)

    /// Name, time and age in seconds of every subsystem's last tick.
    package func all() async throws(PostgresError) -> [(name: String, at: Date, secondsAgo: Double)] {
        try await postgres.query(Self.all).map { ($0.string(0), $0.date(1), $0.double(2)) }
    }
}
