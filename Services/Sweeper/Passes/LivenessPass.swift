import Contracts
import EventOutbox
import Observability
import Synchronization

/// Takes workspaces offline after the liveness timeout, as far as the guard allows.
package final class LivenessPass: SweepPass {
    /// Transactions of one run; the next run continues.
    private static let rounds = 20

    package let interval: Duration
    private let scope: SweepScope
    /// The liveness timeout in seconds.
    private let ttl: Double
    private let store: LivenessStore
    private let relay: EventRelay
    private let metrics: LivenessMetrics
    private let logger: Logger
    /// The reason for the hold that this instance logged last.
    private let loggedReason = Mutex<LivenessGuard.Reason?>(nil)

    package init(
        scope: SweepScope, interval: Duration, ttl: Double, store: LivenessStore, relay: EventRelay,
        metrics: LivenessMetrics, logger: Logger
    ) {
        self.scope = scope
        self.interval = interval
        self.ttl = ttl
        self.store = store
        self.relay = relay
        self.metrics = metrics
        self.logger = logger
    }

    package var name: String { scope == .managed ? "liveness" : "remote-liveness" }

    package func run() async throws -> [String: Int] {
        var offline = 0
        for _ in 0..<Self.rounds {
            guard let outcome = try await store.sweep(scope, ttl: ttl) else { break }
            relay.committed(outcome.events)
            metrics.note(outcome, scope)
            logHold(outcome)
            offline += outcome.offline
            if outcome.offline < LivenessStore.batch { break }
        }
        return ["offline": offline]
    }

    /// Logs the guard's hold and its reason, only when it begins, changes or ends, since passes run every few seconds.
    private func logHold(_ outcome: LivenessStore.Outcome) {
        let before = loggedReason.withLock { loggedReason in
            defer { loggedReason = outcome.held }
            return loggedReason
        }
        guard before != outcome.held else { return }
        if let held = outcome.held {
            logger.warning(
                "many workspaces look dead at once, holding back",
                [.name: .string(name), .reason: .string(held.rawValue), .count: .int(outcome.counts.silent)])
        } else {
            logger.info(
                "the liveness guard holds nothing back any more",
                [.name: .string(name), .count: .int(outcome.counts.silent)])
        }
    }
}

/// The metrics of the liveness guard.
package struct LivenessMetrics: Sendable {
    private let holds: MetricFamily<Gauge>
    private let workspaces: MetricFamily<Gauge>

    package init(_ metrics: MetricsRegistry) {
        holds = Self.holds(metrics)
        workspaces = metrics.gauges(
            "switchyard_liveness_workspaces",
            "Workspaces that the last pass of this instance saw: running, late (half the period), silent (all of it).",
            labels: ["scope", "state"])
    }

    /// By scope: those of liveness, and `containers`.
    static func holds(_ metrics: MetricsRegistry) -> MetricFamily<Gauge> {
        metrics.gauges(
            "switchyard_sweep_guard", "1 while workspaces are held back from going offline.", labels: ["scope"])
    }

    func note(_ outcome: LivenessStore.Outcome, _ scope: SweepScope) {
        holds.labelled(scope.rawValue).set(outcome.held == nil ? 0 : 1)
        let counts = outcome.counts
        for (state, count) in [("running", counts.running), ("late", counts.late), ("silent", counts.silent)] {
            workspaces.labelled(scope.rawValue, state).set(Double(count))
        }
    }
}
