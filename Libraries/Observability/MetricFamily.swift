import Synchronization

/// One metric under several label values, such as requests by method and status.
///
/// The number of label sets is bounded, since each costs memory here and in Prometheus for ever: label sets beyond it
/// are counted under `other` in every label. Labels hold kinds, never ids. Keep a child that is used often: looking it
/// up takes a lock.
package final class MetricFamily<Metric: AnyObject & Sendable>: Sendable {
    package let labels: [String]
    private let limit: Int
    private let make: @Sendable () -> Metric
    private let children = Mutex<[[String]: Metric]>([:])

    init(labels: [String], limit: Int, make: @escaping @Sendable () -> Metric) {
        self.labels = labels
        self.limit = limit
        self.make = make
    }

    /// The metric of these label values, in the order of the label names.
    package func labelled(_ values: String...) -> Metric { labelled(values) }

    /// The metric of these label values, in the order of the label names.
    package func labelled(_ values: [String]) -> Metric {
        precondition(values.count == labels.count, "a metric was given \(values.count) labels for \(labels.count)")
        return children.withLock { children in
            if let child = children[values] { return child }
            let overflows = children.count >= limit
            let key = overflows ? labels.map { _ in "other" } : values
            if overflows, let child = children[key] { return child }
            let child = make()
            children[key] = child
            return child
        }
    }

    /// All label sets in the order of their values.
    var all: [(values: [String], metric: Metric)] {
        children.withLock { Array($0) }
            .sorted { $0.key.lexicographicallyPrecedes($1.key) }
            .map { ($0.key, $0.value) }
    }
}
