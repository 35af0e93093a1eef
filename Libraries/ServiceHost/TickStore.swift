import AMQP
import Concurrency
import Contracts
import Foundation
import JSONBytes
import Postgres
import Synchronization

/// The last tick of each pass, across all instances, for `/admin/liveness`.
package final class TickStore: Sendable {
    /// The least time between two writes of a pass: one that runs every second need not commit every second.
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
            counts = $4, last_error = NULL
        """)

    /// Writes a tick. A tick that cannot be written is no failure of the pass.
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

    private static let fail = Statement(
        "tick_fail",
        """
        INSERT INTO subsystem_ticks (name, instance, last_tick_at, last_error) VALUES ($1, $2, NULL, $3)
        ON CONFLICT (name) DO UPDATE SET instance = $2, last_error = $3
        """)

    /// Writes that a pass failed: its last tick stays. The next success is written at once.
    package func noteFailure(_ pass: String, _ error: any Error) async {
        written.withLock { $0[pass] = nil }
        _ = try? await postgres.query(Self.fail, [pass, instance, Self.reason(error)])
    }

    /// The part of an error that may be shown; its text, which may name hosts and quote values, is in the log only.
    private static func reason(_ error: any Error) -> String {
        switch error {
        case let error as PostgresError:
            ["postgres", "\(error.kind)", error.sqlState, error.statement].compactMap { $0 }.joined(separator: " ")
        case let error as AMQPError: "rabbitmq \(error.code.rawValue)"
        default: "\(type(of: error))"
        }
    }

    private static let all = Statement(
        "tick_all",
        """
        SELECT name, last_tick_at, extract(epoch FROM clock_timestamp() - last_tick_at)::float8, duration_seconds,
            counts, last_error
        FROM subsystem_ticks ORDER BY name
        """)

    /// Every subsystem's last tick, by its name.
    package func all() async throws(PostgresError) -> [String: SubsystemTick] {
        let ticks = try await postgres.query(Self.all).map { row in
            let at = row.optionalDate(1)
            return (
                row.string(0),
                SubsystemTick(
                    lastTickAt: at, secondsAgo: row.optionalDouble(2).map { Int(max(0, $0)) },
                    durationMilliseconds: at == nil ? nil : Int(row.double(3) * 1000),
                    counts: (try? WireJSON.decode([String: Int].self, from: row.bytes(4))) ?? [:],
                    lastError: row.optionalString(5))
            )
        }
        return Dictionary(ticks) { first, _ in first }
    }
}
