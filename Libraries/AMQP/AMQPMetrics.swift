import Observability

/// The metrics of publishers, shared by all publishers of a process.
struct PublisherMetrics: Sendable {
    let published: Counter
    let confirmed: Counter
    let refused: Counter
    let failed: Counter
    let dropped: Counter
    let connects: Counter
    let inFlight: Gauge
    let blocked: Gauge

    init(_ registry: MetricsRegistry) {
        published = registry.counter("amqp_published_total", "Messages sent to the broker")
        confirmed = registry.counter("amqp_confirmed_total", "Messages the broker confirmed")
        refused = registry.counter("amqp_refused_total", "Messages the broker refused")
        failed = registry.counter("amqp_publish_failures_total", "Calls to publish that failed")
        dropped = registry.counter("amqp_dropped_total", "Messages without confirm that were dropped before sending")
        connects = registry.counter("amqp_publisher_connects_total", "Connections made by publishers")
        inFlight = registry.gauge("amqp_in_flight", "Messages sent and not confirmed yet")
        blocked = registry.gauge("amqp_blocked", "1 while the broker blocks publishers")
    }
}

/// The metrics of a consumer, labelled by queue.
struct ConsumerMetrics: Sendable {
    let delivered: Counter
    let acknowledged: Counter
    let retried: Counter
    let rejected: Counter
    /// Outcomes that came after their connection was lost: the broker redelivers those messages.
    let stale: Counter
    let connects: Counter
    let open: Gauge

    init(_ registry: MetricsRegistry, queue: String) {
        func counter(_ name: String, _ help: String) -> Counter {
            registry.counters(name, help, labels: ["queue"]).labelled(queue)
        }
        delivered = counter("amqp_delivered_total", "Messages received")
        acknowledged = counter("amqp_acknowledged_total", "Messages acknowledged")
        retried = counter("amqp_retried_total", "Messages put back into the queue")
        rejected = counter("amqp_rejected_total", "Messages rejected")
        stale = counter("amqp_stale_outcomes_total", "Outcomes that came after the connection was lost")
        connects = counter("amqp_consumer_connects_total", "Connections made by consumers")
        open = registry.gauges("amqp_open_deliveries", "Messages being handled", labels: ["queue"]).labelled(queue)
    }
}
