import Observability
import Testing

@Suite struct HistogramTests {
    /// A value, and how many are at or below 0.1, 1 and anything.
    @Test(
        arguments: [
            (-1, [1, 1, 1]), (0, [1, 1, 1]), (0.1, [1, 1, 1]), (0.1.nextUp, [0, 1, 1]), (1, [0, 1, 1]),
            (1.nextUp, [0, 0, 1]), (.infinity, [0, 0, 1]),
        ] as [(Double, [Int])])
    func aValueBelongsToTheBoundThatItReaches(_ value: Double, _ cumulative: [Int]) {
        let histogram = Histogram(bounds: [0.1, 1])
        histogram.observe(value)
        #expect(histogram.snapshot.cumulative == cumulative)
        #expect(histogram.snapshot.sum == value)
    }

    @Test func durationsAreCountedInSeconds() {
        let histogram = Histogram(bounds: Histogram.latencyBounds)
        for duration in [Duration.microseconds(500), .milliseconds(1500), .seconds(300), .seconds(301)] {
            histogram.observe(duration)
        }
        let snapshot = histogram.snapshot
        #expect(snapshot.cumulative.first == 1)
        #expect(snapshot.cumulative.suffix(2) == [3, 4])
        #expect((snapshot.sum - 602.5005).magnitude < 1e-9)
    }

    @Test func withoutBoundsAllIsOneRange() {
        let histogram = Histogram(bounds: [])
        for value in [1.0, 2, 3] { histogram.observe(value) }
        #expect(histogram.snapshot.cumulative == [3] && histogram.snapshot.sum == 6)
    }

    @Test(arguments: [Histogram.latencyBounds, Histogram.sizeBounds]) func boundsRise(_ bounds: [Double]) {
        #expect(zip(bounds, bounds.dropFirst()).allSatisfy { $0 < $1 })
        #expect(bounds.allSatisfy { $0 > 0 && $0.isFinite })
    }
}
