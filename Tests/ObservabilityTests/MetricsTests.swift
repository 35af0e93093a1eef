import Observability
import Testing

@Suite struct MetricsTests {
    private func text(_ registry: MetricsRegistry) -> String { String(decoding: registry.exposition(), as: UTF8.self) }

    @Test func writesThePrometheusFormat() {
        let registry = MetricsRegistry(includesProcess: false)
        let requests = registry.counters("requests_total", "Requests \\ all\nof them.", labels: ["route", "status"])
        requests.labelled("/a\"b\\", "200").increment()
        requests.labelled("/", "404").increment(by: 3)
        requests.labelled("/", "404").increment(by: -3)
        let open = registry.gauge("connections", "Open.")
        open.set(5)
        open.increment()
        open.decrement(by: 3.5)
        let seconds = registry.histogram("wait_seconds", "Wait.", bounds: [0.1, 1])
        for value in [0.05, 0.1, 0.5, 7] { seconds.observe(value) }
        seconds.observe(.milliseconds(250))
        registry.measuredGauge("pool", "Pool.") { 2 }
        registry.measuredGauge("gone", "Gone.") { nil }
        registry.measuredCounter("seen_total", "Seen.") { 1e18 }
        #expect(
            text(registry) == """
                # HELP requests_total Requests \\\\ all\\nof them.
                # TYPE requests_total counter
                requests_total{route="/",status="404"} 3
                requests_total{route="/a\\"b\\\\",status="200"} 1
                # HELP connections Open.
                # TYPE connections gauge
                connections 2.5
                # HELP wait_seconds Wait.
                # TYPE wait_seconds histogram
                wait_seconds_bucket{le="0.1"} 2
                wait_seconds_bucket{le="1"} 4
                wait_seconds_bucket{le="+Inf"} 5
                wait_seconds_sum 7.9
                wait_seconds_count 5
                # HELP pool Pool.
                # TYPE pool gauge
                pool 2
                # HELP seen_total Seen.
                # TYPE seen_total counter
                seen_total 1e+18

                """)
    }

    @Test func givesTheSameMetricForTheSameName() {
        let registry = MetricsRegistry(includesProcess: false)
        registry.counter("a_total", "").increment()
        registry.counter("a_total", "").increment()
        #expect(registry.counter("a_total", "").value == 2)
        registry.measuredGauge("g", "") { 1 }
        registry.measuredGauge("g", "") { 2 }
        #expect(text(registry).hasSuffix("g 2\n"))
    }

    @Test func boundsTheLabelSets() {
        let registry = MetricsRegistry(includesProcess: false)
        let family = registry.counters("c_total", "", labels: ["id"], limit: 3)
        for id in 0..<100 { family.labelled("\(id)").increment() }
        family.labelled("1").increment()
        #expect(
            text(registry).split(separator: "\n").dropFirst(2) == [
                #"c_total{id="0"} 1"#, #"c_total{id="1"} 2"#, #"c_total{id="2"} 1"#, #"c_total{id="other"} 97"#,
            ])
    }

    @Test func countsEveryIncrementOfManyThreads() async {
        let registry = MetricsRegistry(includesProcess: false)
        let (counter, gauge) = (registry.counter("n_total", ""), registry.gauge("g", ""))
        let histogram = registry.histogram("h", "", bounds: [1])
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    for _ in 0..<5000 {
                        counter.increment()
                        gauge.increment()
                        histogram.observe(0.5)
                    }
                }
            }
        }
        #expect(counter.value == 40_000)
        #expect(gauge.value == 40_000)
        #expect(histogram.snapshot.cumulative == [40_000, 40_000])
        #expect(histogram.snapshot.sum == 20_000)
    }

    @Test(arguments: [
        "process_resident_memory_bytes", "process_virtual_memory_bytes", "process_open_fds", "process_max_fds",
        "process_cpu_seconds_total", "process_start_time_seconds",
    ])
    func reportsTheProcess(_ name: String) throws {
        let line = text(MetricsRegistry()).split(separator: "\n").first { $0.hasPrefix(name + " ") }
        let value = try #require(line?.split(separator: " ").last.flatMap { Double($0) })
        #expect(value > 0)
        if name == "process_start_time_seconds" {
            #expect((Double(Timestamp.now.seconds) - 3600..<Double(Timestamp.now.seconds) + 5).contains(value))
        }
    }
}
