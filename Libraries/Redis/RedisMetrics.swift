import Observability

/// The metrics of all Redis connections of a process.
struct RedisMetrics: Sendable {
    let commands: Counter
    let failures: Counter
    let deadlines: Counter
    let connects: Counter
    let pending: Gauge

    init(_ registry: MetricsRegistry) {
        commands = registry.counter("redis_commands_total", "Commands sent to Redis")
        failures = registry.counter("redis_failures_total", "Commands without a reply, or refused")
        deadlines = registry.counter("redis_deadlines_total", "Commands that had no reply in time")
        connects = registry.counter("redis_connects_total", "Connections to Redis that became ready")
        pending = registry.gauge("redis_pending", "Commands awaiting replies")
    }
}
