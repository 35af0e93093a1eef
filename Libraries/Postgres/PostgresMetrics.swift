import Observability

typealias StatementLatency = Histogram

/// A pool's metrics.
final class PostgresMetrics: Sendable {
    private let latencies: MetricFamily<Histogram>
    private let errors: MetricFamily<Counter>
    let connections: Gauge
    let inFlight: Gauge
    let waiting: Gauge
    let connects: Counter
    let cancels: Counter
    let lockWaits: Counter

    init(_ registry: MetricsRegistry) {
        latencies = registry.histograms(
            "postgres_query_seconds", "Time from a call's submission to its result", labels: ["statement"])
        errors = registry.counters("postgres_errors_total", "Calls that failed", labels: ["kind", "sql_state"])
        connections = registry.gauge("postgres_connections", "Connections that are open")
        inFlight = registry.gauge("postgres_calls_in_flight", "Calls sent and not completed yet")
        waiting = registry.gauge("postgres_calls_waiting", "Calls that wait for a connection")
        connects = registry.counter("postgres_connects_total", "Connections opened")
        cancels = registry.counter("postgres_cancels_total", "Statements cancelled at their deadline")
        lockWaits = registry.counter(
            "postgres_lock_waits_total", "Calls requeued after a lock timeout")
    }

    func latency(of statement: String) -> StatementLatency { latencies.labelled(statement) }

    func count(_ error: PostgresError) { errors.labelled("\(error.kind)", error.sqlState ?? "").increment() }
}
