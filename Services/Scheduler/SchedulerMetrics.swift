import Observability

/// The scheduler's metrics.
package struct SchedulerMetrics: Sendable {
    private let fired: Counter
    private let skipped: Counter
    let broken: Counter
    private let lateness: Histogram
    let outcomes: MetricFamily<Counter>
    let phantoms: Counter

    package init(_ metrics: MetricsRegistry) {
        fired = metrics.counter("switchyard_schedules_fired_total", "Runs enqueued.")
        skipped = metrics.counter("switchyard_schedules_skipped_total", "Slots that were skipped.")
        broken = metrics.counter(
            "switchyard_schedules_broken_total", "Schedules that could not be fired, and were postponed for an hour.")
        lateness = metrics.histogram(
            "switchyard_schedule_lateness_seconds", "The largest delay of a slot in a batch.")
        outcomes = metrics.counters(
            "switchyard_schedule_runs_total", "Finished runs by status.", labels: ["status"])
        phantoms = metrics.counter(
            "switchyard_phantom_busy_total", "Workspaces whose stale busy state was reset.")
    }

    func note(_ batch: Fired) {
        fired.increment(by: batch.runs)
        skipped.increment(by: batch.skipped.count)
        broken.increment(by: batch.broken.count)
        lateness.observe(.seconds(batch.lateness))
    }
}
