import Concurrency
import Contracts
import Foundation
import JSONBytes
import Observability
import Postgres
import ServiceLifecycle
import Synchronization
import UVLoop

/// Writes every few seconds to the database that this instance runs, and whether it is ready; deletes the row on a
/// graceful shutdown. The row of a killed instance stays until it expires.
final class InstanceAnnouncer: GracefulService {
    private static let interval: Duration = .seconds(10)
    /// In place of it until the instance is ready.
    private static let startInterval: Duration = .seconds(1)
    /// Age at which other instances' rows are deleted.
    private static let expiry: Duration = .seconds(600)

    private struct State {
        /// Known once the server listens.
        var address: String?
        var notReadySince: Date?
    }

    let name = "instance-announcer"
    private let context: ServiceContext
    private let readiness: ReadinessProbe
    private let startedAt = Date()
    private let state = Mutex(State())

    init(context: ServiceContext, readiness: ReadinessProbe) {
        self.context = context
        self.readiness = readiness
    }

    /// Starts announcing the instance: its server listens.
    func begin(port: UInt16) {
        let host = context.configuration.host
        state.withLock { $0.address = host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
    }

    func run(until shutdown: ShutdownSignal) async throws {
        let announcements = PeriodicService(
            name, longestBackoff: Self.interval, on: context.loops.next(), pause: { [self] in pause }
        ) { [self] in try await announce() }
        try await announcements.run(until: shutdown)
        _ = try? await context.postgres.query(Self.withdraw, [context.instance], deadline: .seconds(1))
    }

    private var pause: Duration {
        state.withLock { $0.address != nil && $0.notReadySince == nil ? Self.interval : Self.startInterval }
    }

    private static let announce = Statement(
        "instance_announce",
        """
        WITH forgotten AS (
            DELETE FROM service_instances WHERE last_seen_at < now() - make_interval(secs => $9) AND instance <> $1
        )
        INSERT INTO service_instances (instance, service, version, started_at, address, is_ready, not_ready_since,
            dependencies)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT (instance) DO UPDATE SET last_seen_at = now(), address = $5, is_ready = $6, not_ready_since = $7,
            dependencies = $8
        """)
    private static let withdraw = Statement(
        "instance_withdraw", "DELETE FROM service_instances WHERE instance = $1")

    private func announce() async throws {
        guard let address = state.withLock({ $0.address }) else { return }
        let checks = await readiness.check()
        let isReady = !readiness.isShuttingDown && checks.allSatisfy(\.isUp)
        let since = state.withLock { state in
            state.notReadySince = isReady ? nil : state.notReadySince ?? Date()
            return state.notReadySince
        }
        var writer = JSONWriter()
        writer.object { writer in
            for check in checks { writer.member(check.name, check.isUp ? "up" : "down") }
        }
        _ = try await context.postgres.query(
            Self.announce,
            [
                context.instance, context.service.rawValue, PlatformVersion.current, startedAt, address, isReady, since,
                writer.bytes, Self.expiry.inSeconds,
            ])
    }
}

/// The version of this build.
enum PlatformVersion {
    /// Of the next release in `CHANGELOG.md`.
    static let current = "0.1.0-dev"
}
