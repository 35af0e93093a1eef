import Observability

/// What the proxy counts beside the HTTP server's and the stores' own metrics.
package final class ProxyMetrics: Sendable {
    package let callsInFlight: Gauge
    package let idleTimeouts: Counter
    package let idleResets: Counter
    package let outcomes: MetricFamily<Counter>
    /// The one of them that each call should be counted by without a look-up.
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
            "switchyard_a2a_calls_in_flight", "Calls to agents that are going on, streams included.")
        idleTimeouts = metrics.counter("switchyard_a2a_idle_timeouts_total", "Calls ended for lack of a sign of life.")
        idleResets = metrics.counter(
            "switchyard_a2a_idle_resets_total", "Idle timers that fired and were set again by a sign of life elsewhere."
        )
        outcomes = metrics.counters(
            "switchyard_a2a_calls_total", "Calls to agents by how they ended.", labels: ["outcome"])
        answered = outcomes.labelled("answered")
        queued = metrics.counter("switchyard_a2a_queued_total", "Messages stored for a busy target.")
        claimed = metrics.counter("switchyard_a2a_claimed_total", "Queue items taken out for a delivery.")
        finished = metrics.counters(
            "switchyard_a2a_finished_total", "Deliveries of queue items by what became of the item.", labels: ["status"]
        )
        drainLatency = metrics.histogram(
            "switchyard_a2a_drain_seconds", "From a wake-up of the drain to the first call it led to.")
        claimSize = metrics.histogram(
            "switchyard_a2a_claim_size", "Items taken by one claim.", bounds: Histogram.sizeBounds)
        leasesLost = metrics.counter(
            "switchyard_a2a_leases_lost_total", "Calls ended because their lease was another's.")
        activityDropped = metrics.counter("switchyard_a2a_activity_dropped_total", "Feed rows that were not written.")
    }

    /// Counts a call by how it ended.
    package func count(_ outcome: CallOutcome) {
        if outcome.isSuccess { answered.increment() } else { outcomes.labelled(outcome.label).increment() }
    }
}
