import Concurrency
import Dispatch
import Testing

@Suite struct MonotonicClockTests {
    /// As the system says, in nanoseconds.
    private var system: UInt64 { DispatchTime.now().uptimeNanoseconds }

    @Test func isTheSystemsInItsUnits() {
        let before = system
        let (nanoseconds, milliseconds) = (MonotonicClock.nanoseconds, MonotonicClock.milliseconds)
        let after = system
        #expect((before...after).contains(nanoseconds))
        #expect((Int64(before / 1_000_000)...Int64(after / 1_000_000)).contains(milliseconds))
    }

    @Test func neverGoesBack() {
        var last = MonotonicClock.nanoseconds
        var steps = 0
        for _ in 0..<10_000 {
            let now = MonotonicClock.nanoseconds
            #expect(now >= last)
            steps += now > last ? 1 : 0
            last = now
        }
        #expect(steps > 0)
    }
}
