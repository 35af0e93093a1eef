/// The counts of a lane.
struct Tally: Sendable {
    /// In units of 100 ns, of responses within the window.
    var latencies: [UInt32] = []
    /// All responses, including those outside the window.
    var total = 0
    /// Responses with another status than expected.
    var unexpected = 0
    /// Connections and responses lost.
    var failures = 0
    var statuses: [Int: Int] = [:]

    mutating func record(nanoseconds: UInt64) {
        latencies.append(UInt32(clamping: nanoseconds / 100))
    }

    mutating func add(_ other: Tally) {
        latencies += other.latencies
        total += other.total
        unexpected += other.unexpected
        failures += other.failures
        statuses.merge(other.statuses, uniquingKeysWith: +)
    }
}

/// The numbers of a run.
struct Report: Sendable {
    let tally: Tally
    let seconds: Double
    private let sorted: [UInt32]

    init(_ tally: Tally, seconds: Double) {
        self.tally = tally
        self.seconds = seconds
        sorted = tally.latencies.sorted()
    }

    var isClean: Bool { tally.unexpected == 0 && tally.failures == 0 && !sorted.isEmpty }

    /// Milliseconds.
    private func percentile(_ share: Double) -> Double {
        guard !sorted.isEmpty else { return 0 }
        return Double(sorted[min(sorted.count - 1, Int(share * Double(sorted.count)))]) / 10_000
    }

    /// One JSON object; latencies in milliseconds.
    var json: String {
        let statuses = tally.statuses.sorted { $0.key < $1.key }.map { "\"\($0.key)\":\($0.value)" }
        return """
            {"rate":\(Double(sorted.count) / seconds),"p50":\(percentile(0.5)),"p90":\(percentile(0.9)),\
            "p99":\(percentile(0.99)),"max":\(percentile(1)),"counted":\(sorted.count),"total":\(tally.total),\
            "unexpected":\(tally.unexpected),"failures":\(tally.failures),"statuses":{\(statuses.joined(separator: ","))}}
            """
    }
}
