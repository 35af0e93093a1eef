import Observability
import Testing

/// The text that Prometheus reads: whatever is measured, each sample is one line, and its labels can be told apart.
@Suite struct ExpositionTests {
    private let registry = MetricsRegistry(includesProcess: false)

    private var lines: [String] {
        String(decoding: registry.exposition(), as: UTF8.self).split(separator: "\n").map(String.init)
    }

    /// Quotes and backslashes that a mark follows are one character with it, which Prometheus does not know.
    @Test(arguments: [
        ("plain", "plain"), ("a\"b", #"a\"b"#), (#"a\b"#, #"a\\b"#), ("a\nb", #"a\nb"#), ("a\r\nb", "a\r\\nb"),
        ("\"\u{301}", "\\\"\u{301}"), ("\\\u{301}", "\\\\\u{301}"), ("\u{2028}", "\u{2028}"), ("\n\n", #"\n\n"#),
        (#"","b="x"#, #"\",\"b=\"x"#), ("", ""),
    ])
    func labelsAreEscaped(_ value: String, _ written: String) {
        registry.counters("a_total", "Help.", labels: ["a"]).labelled(value).increment()
        let text = String(decoding: registry.exposition(), as: UTF8.self)
        #expect(text == "# HELP a_total Help.\n# TYPE a_total counter\na_total{a=\"\(written)\"} 1\n")
    }

    @Test func quotesInHelpStay() {
        _ = registry.gauge("g", "\"Quoted\" \\ and\r\nof two lines.")
        let text = String(decoding: registry.exposition(), as: UTF8.self)
        #expect(text.hasPrefix("# HELP g \"Quoted\" \\\\ and\r\\nof two lines.\n# TYPE g gauge\n"))
    }

    @Test(
        arguments: [
            (0, "0"), (-0.0, "0"), (1, "1"), (-1, "-1"), (2.5, "2.5"), (0.1, "0.1"),
            (999_999_999_999_999, "999999999999999"),
            (1e15, "1000000000000000.0"), (1e-7, "1e-07"), (.nan, "NaN"), (.infinity, "+Inf"), (-.infinity, "-Inf"),
        ] as [(Double, String)])
    func numbersAreWrittenAsPrometheusReadsThem(_ value: Double, _ written: String) {
        registry.gauge("g", "").set(value)
        #expect(lines.last == "g \(written)")
    }

    @Test func labelsOfAHistogramStandBeforeItsBound() {
        let seconds = registry.histograms("h", "", labels: ["route", "method"], bounds: [0.5])
        seconds.labelled("/", "GET").observe(0.5)
        #expect(
            lines.dropFirst(2) == [
                #"h_bucket{route="/",method="GET",le="0.5"} 1"#, #"h_bucket{route="/",method="GET",le="+Inf"} 1"#,
                #"h_sum{route="/",method="GET"} 0.5"#, #"h_count{route="/",method="GET"} 1"#,
            ])
    }

    @Test func aFamilyWithoutMembersIsAnnounced() {
        _ = registry.counters("a_total", "Help.", labels: ["a"])
        #expect(lines == ["# HELP a_total Help.", "# TYPE a_total counter"])
    }

    @Test func eachIsWrittenOnceInTheOrderOfRegistration() {
        for name in ["b", "a", "c", "a"] { _ = registry.gauge(name, "") }
        registry.measuredGauge("b2", "") { nil }
        registry.measuredGauge("b2", "") { 1 }
        #expect(lines.filter { !$0.hasPrefix("#") } == ["b 0", "a 0", "c 0", "b2 1"])
    }
}
