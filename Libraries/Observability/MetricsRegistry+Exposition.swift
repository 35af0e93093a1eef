extension MetricsRegistry {
    /// What `Content-Type` the text of ``exposition()`` has.
    package static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    /// All metrics in the text format of Prometheus.
    package func exposition() -> [UInt8] {
        var text = ""
        text.reserveCapacity(16_384)
        for (name, entry) in entries {
            switch entry.kind {
            case .counter(let family):
                text.header(name, entry.help, "counter")
                for (values, counter) in family.all {
                    text.sample(name, family.labels, values, Double(counter.value))
                }
            case .gauge(let family):
                text.header(name, entry.help, "gauge")
                for (values, gauge) in family.all { text.sample(name, family.labels, values, gauge.value) }
            case .histogram(let family):
                text.header(name, entry.help, "histogram")
                for (values, histogram) in family.all { text.histogram(name, family.labels, values, histogram) }
            case .measured(let type, let measure):
                guard let value = measure() else { continue }
                text.header(name, entry.help, type)
                text.sample(name, [], [], value)
            }
        }
        return Array(text.utf8)
    }
}

extension String {
    fileprivate mutating func header(_ name: String, _ help: String, _ type: String) {
        self += "# HELP \(name) \(help.escaped(quotes: false))\n# TYPE \(name) \(type)\n"
    }

    fileprivate mutating func sample(_ name: String, _ labels: [String], _ values: [String], _ value: Double) {
        self += name
        if !labels.isEmpty {
            let pairs = zip(labels, values).map { "\($0)=\"\($1.escaped(quotes: true))\"" }
            self += "{\(pairs.joined(separator: ","))}"
        }
        self += " \(number(value))\n"
    }

    fileprivate mutating func histogram(
        _ name: String, _ labels: [String], _ values: [String], _ histogram: Histogram
    ) {
        let snapshot = histogram.snapshot
        for (bound, count) in zip(histogram.bounds.map(number) + ["+Inf"], snapshot.cumulative) {
            sample(name + "_bucket", labels + ["le"], values + [bound], Double(count))
        }
        sample(name + "_sum", labels, values, snapshot.sum)
        sample(name + "_count", labels, values, Double(snapshot.cumulative.last ?? 0))
    }

    /// Backslash and line feed are escaped everywhere, quotes in label values only.
    ///
    /// By scalars: Prometheus knows nothing of characters, in which a quote and a mark behind it are one.
    private func escaped(quotes: Bool) -> String {
        var result = ""
        for scalar in unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\"" where quotes: result += "\\\""
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}

private func number(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
    return value.magnitude < 1e15 && value == value.rounded() ? String(Int(value)) : value.description
}
