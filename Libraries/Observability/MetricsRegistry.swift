import Synchronization

/// All metrics of a process, and their text for Prometheus.
///
/// Registering a name again returns the same metric; registering it as another kind is a programming error and traps.
/// Names carry their base unit (`_seconds`, `_bytes`), counters end in `_total`.
package final class MetricsRegistry: Sendable {
    private struct State {
        var order: [String] = []
        var entries: [String: Entry] = [:]
    }

    struct Entry {
        let help: String
        let kind: Kind
    }

    enum Kind {
        case counter(MetricFamily<Counter>)
        case gauge(MetricFamily<Gauge>)
        case histogram(MetricFamily<Histogram>)
        case measured(type: String, @Sendable () -> Double?)
    }

    /// How many label sets a family may have.
    package static let labelSetLimit = 500

    private let state = Mutex(State())

    /// - Parameter includesProcess: also report the process's memory, descriptors, CPU and start time.
    package init(includesProcess: Bool = true) {
        if includesProcess { registerProcessMetrics() }
    }

    /// A counter without labels.
    package func counter(_ name: String, _ help: String) -> Counter { counters(name, help, labels: []).labelled() }
    /// A gauge without labels.
    package func gauge(_ name: String, _ help: String) -> Gauge { gauges(name, help, labels: []).labelled() }

    /// A histogram without labels.
    ///
    /// - Parameter bounds: upper bounds of its ranges, rising, in the base unit.
    package func histogram(_ name: String, _ help: String, bounds: [Double] = Histogram.latencyBounds) -> Histogram {
        histograms(name, help, labels: [], bounds: bounds).labelled()
    }

    /// Counters under labels, at most `limit` sets of them.
    package func counters(
        _ name: String, _ help: String, labels: [String], limit: Int = labelSetLimit
    ) -> MetricFamily<Counter> {
        let new = MetricFamily(labels: labels, limit: limit) { Counter() }
        guard case .counter(let family) = register(name, help, .counter(new)) else { mismatch(name) }
        return family
    }

    /// Gauges under labels, at most `limit` sets of them.
    package func gauges(
        _ name: String, _ help: String, labels: [String], limit: Int = labelSetLimit
    ) -> MetricFamily<Gauge> {
        let new = MetricFamily(labels: labels, limit: limit) { Gauge() }
        guard case .gauge(let family) = register(name, help, .gauge(new)) else { mismatch(name) }
        return family
    }

    /// Histograms under labels, at most `limit` sets of them.
    package func histograms(
        _ name: String, _ help: String, labels: [String], bounds: [Double] = Histogram.latencyBounds,
        limit: Int = labelSetLimit
    ) -> MetricFamily<Histogram> {
        let new = MetricFamily(labels: labels, limit: limit) { Histogram(bounds: bounds) }
        guard case .histogram(let family) = register(name, help, .histogram(new)) else { mismatch(name) }
        return family
    }

    /// Reports what `measure` returns at each scrape; nil leaves the metric out. A later
    /// registration of the same name replaces it.
    package func measuredGauge(_ name: String, _ help: String, _ measure: @escaping @Sendable () -> Double?) {
        replace(name, Entry(help: help, kind: .measured(type: "gauge", measure)))
    }

    /// As ``measuredGauge(_:_:_:)`` for a number that only grows.
    package func measuredCounter(_ name: String, _ help: String, _ measure: @escaping @Sendable () -> Double?) {
        replace(name, Entry(help: help, kind: .measured(type: "counter", measure)))
    }

    /// Everything in the order of registration.
    var entries: [(name: String, entry: Entry)] {
        state.withLock { state in state.order.compactMap { name in state.entries[name].map { (name, $0) } } }
    }

    private func register(_ name: String, _ help: String, _ kind: Kind) -> Kind {
        state.withLock { state in
            if let existing = state.entries[name] { return existing.kind }
            state.order.append(name)
            state.entries[name] = Entry(help: help, kind: kind)
            return kind
        }
    }

    private func replace(_ name: String, _ entry: Entry) {
        state.withLock { state in
            if state.entries.updateValue(entry, forKey: name) == nil { state.order.append(name) }
        }
    }

    private func mismatch(_ name: String) -> Never {
        preconditionFailure("the metric \(name) is registered as another kind")
    }
}
