import Observability

/// What the scheduler did, for Prometheus.
package struct SchedulerMetrics: Sendable {
    private let fired: Counter
    private let skipped: Counter
    let broken: Counter
    private let lateness: Histogram
    let outcomes: MetricFamily<Counter>
    let phantoms: Counter

    package init(_ metrics: MetricsRegistry) {
        fired = metrics.counter("switchyard_schedules_fired_total", "Runs put into the queue.")
        skipped = metrics.counter("switchyard_schedules_skipped_total", "Slots that were left out.")
        broken = metrics.counter(
            "switchyard_schedules_broken_total", "Schedules that could not be fired, and were put off for an hour.")
        lateness = metrics.histogram(
            "switchyard_schedule_lateness_seconds", "By how much the latest slot of a batch was late.")
        outcomes = metrics.counters(
            "switchyard_schedule_runs_total", "Runs that ended, by how.", labels: ["status"])
        phantoms = metrics.counter(
            "switchyard_phantom_busy_total", "Workspaces that were counted busy and had not said so for too long.")
    }

    func note(_ done: Fired) {
        fired.increment(by: done.runs)
        skipped.increment(by: done.skipped.count)
        broken.increment(by: done.broken.count)
        lateness.observe(.seconds(done.lateness))
    }
}
