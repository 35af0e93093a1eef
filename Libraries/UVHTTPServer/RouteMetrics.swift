import HTTPCore
import Observability
import Synchronization

/// Rate, errors and duration of the requests of a server.
struct ServerMetrics: Sendable {
    private let requests: MetricFamily<Counter>
    private let durations: MetricFamily<Histogram>
    let connections: Gauge
    /// Requests refused before they had a route.
    let refusals: MetricFamily<Counter>

    init(_ registry: MetricsRegistry) {
        requests = registry.counters(
            "http_requests_total", "Requests responded to.", labels: ["method", "route", "status"], limit: 2000)
        durations = registry.histograms(
            "http_request_duration_seconds", "From a request's head to its response.", labels: ["route"])
        connections = registry.gauge("http_connections", "Connections open.")
        refusals = registry.counters(
            "http_refusals_total", "Requests refused for their form, by status.", labels: ["status"])
    }

    func route(_ method: HTTPMethod, _ template: String) -> RouteMetrics {
        RouteMetrics(
            method: method.rawValue, template: template, requests: requests, duration: durations.labelled(template))
    }
}

/// The same for one route: counters per status, found without a lookup by text.
final class RouteMetrics: Sendable {
    private let method: String
    private let template: String
    private let requests: MetricFamily<Counter>
    private let duration: Histogram
    private let byStatus = Mutex<[Int: Counter]>([:])

    init(method: String, template: String, requests: MetricFamily<Counter>, duration: Histogram) {
        self.method = method
        self.template = template
        self.requests = requests
        self.duration = duration
    }

    /// - Parameter nanoseconds: from the request's head to the response's head.
    func record(status: Int, nanoseconds: UInt64) {
        let counter = byStatus.withLock { counters in
            if let counter = counters[status] { return counter }
            let counter = requests.labelled(method, template, String(status))
            counters[status] = counter
            return counter
        }
        counter.increment()
        duration.observe(Double(nanoseconds) / 1e9)
    }
}
