import Foundation
import Observability
import ServiceHost
import ServiceLifecycle
import UVLoop

/// Runs one pass at its interval, after an error with back-off. Each pass has a runner of its own, so that an error in
/// one never stops another.
package struct PassRunner: GracefulService {
    let pass: any SweepPass
    let loop: EventLoop
    let logger: Logger
    let metrics: SweepMetrics
    let ticks: TickStore

    package init(
        pass: any SweepPass, loop: EventLoop, logger: Logger, metrics: SweepMetrics, ticks: TickStore
    ) {
        self.pass = pass
        self.loop = loop
        self.logger = logger
        self.metrics = metrics
        self.ticks = ticks
        metrics.expect(pass.name)
    }

    package var name: String { "pass \(pass.name)" }

    package func run(until shutdown: ShutdownSignal) async throws {
        let pass = pass
        try await PeriodicService(name, on: loop, pause: { pass.pause }, runOnce).run(until: shutdown)
    }

    private func runOnce() async throws {
        let start = ContinuousClock.now
        do {
            let counts = try await pass.run()
            let duration = ContinuousClock.now - start
            metrics.note(pass.name, duration, counts)
            for (what, count) in counts where count > 0 {
                logger.info("swept", [.name: .string(pass.name), .key: .string(what), .count: .int(count)])
            }
            await ticks.note(pass.name, duration: duration, counts: counts)
        } catch {
            if Task.isCancelled { return }
            metrics.noteFailure(pass.name)
            await ticks.noteFailure(pass.name, error)
            logger.warning("pass failed", [.name: .string(pass.name), .error: .error(error)])
            throw error
        }
    }
}

/// The metrics of the passes.
package struct SweepMetrics: Sendable {
    private let duration: MetricFamily<Histogram>
    private let swept: MetricFamily<Counter>
    private let failures: MetricFamily<Counter>
    private let lastTick: MetricFamily<Gauge>

    package init(_ metrics: MetricsRegistry) {
        duration = metrics.histograms("switchyard_sweep_duration_seconds", "Duration of a pass.", labels: ["pass"])
        swept = metrics.counters("switchyard_sweep_changes_total", "Changes made by passes.", labels: ["pass", "what"])
        failures = metrics.counters("switchyard_sweep_failures_total", "Passes that failed.", labels: ["pass"])
        lastTick = metrics.gauges(
            "switchyard_sweep_last_tick_seconds", "When a pass last ended, in seconds since 1970.", labels: ["pass"])
    }

    /// Registers a pass, so that its metrics exist before its first run ends.
    func expect(_ pass: String) {
        _ = duration.labelled(pass)
        _ = failures.labelled(pass)
    }

    func note(_ pass: String, _ time: Duration, _ counts: [String: Int]) {
        duration.labelled(pass).observe(time)
        lastTick.labelled(pass).set(Date().timeIntervalSince1970)
        for (what, count) in counts { swept.labelled(pass, what).increment(by: count) }
    }

    func noteFailure(_ pass: String) {
        failures.labelled(pass).increment()
    }
}
