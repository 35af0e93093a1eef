import Observability

/// The proxy's metrics beside those of the HTTP server and the stores.
package final class ProxyMetrics: Sendable {
    package let callsInFlight: Gauge
    package let idleTimeouts: Counter
    package let idleResets: Counter
    package let outcomes: MetricFamily<Counter>
    /// The most frequent of them, cached to avoid the look-up for each call.
    private let answered: Counter
    package let queued: Counter
    package let claimed: Counter
    package let finished: MetricFamily<Counter>
    package let drainLatency: Histogram
    package let claimSize: Histogram
    package let leasesLost: Counter
    package let activityDropped: Counter

    package init(_ metrics: MetricsRegistry) {
        callsInFlight = metrics.gauge(
            "switchyard_a2a_calls_in_flight", "Calls to agents in flight, streams included.")
        idleTimeouts = metrics.counter("switchyard_a2a_idle_timeouts_total", "Calls ended by the idle timeout.")
        idleResets = metrics.counter(
            "switchyard_a2a_idle_resets_total", "Idle timers that fired and were reset by liveness recorded elsewhere.")
        outcomes = metrics.counters(
            "switchyard_a2a_calls_total", "Calls to agents by outcome.", labels: ["outcome"])
        answered = outcomes.labelled("answered")
        queued = metrics.counter("switchyard_a2a_queued_total", "Messages stored for a busy target.")
        claimed = metrics.counter("switchyard_a2a_claimed_total", "Queue items claimed for delivery.")
        finished = metrics.counters(
            "switchyard_a2a_finished_total", "Deliveries of queue items by the item's new status.", labels: ["status"])
        drainLatency = metrics.histogram(
            "switchyard_a2a_drain_seconds", "From a wake-up of the drain to the first call it led to.")
        claimSize = metrics.histogram(
            "switchyard_a2a_claim_size", "Items per claim.", bounds: Histogram.sizeBounds)
        leasesLost = metrics.counter(
            "switchyard_a2a_leases_lost_total", "Calls cancelled because their lease was lost.")
        activityDropped = metrics.counter("switchyard_a2a_activity_dropped_total", "Feed rows dropped.")
    }

    /// Counts a call by its outcome.
    package func count(_ outcome: CallOutcome) {
        if outcome.isSuccess { answered.increment() } else { outcomes.labelled(outcome.label).increment() }
    }
}
