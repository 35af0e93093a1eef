import Concurrency
import Testing

@Suite struct DurationMillisecondsTests {
    @Test(
        arguments: [
            (.zero, 0), (.nanoseconds(1), 1), (.microseconds(999), 1), (.milliseconds(1), 1), (.microseconds(1001), 2),
            (.seconds(1) - .nanoseconds(1), 1000), (.seconds(1), 1000), (.seconds(1) + .nanoseconds(1), 1001),
            (Duration(secondsComponent: 0, attosecondsComponent: 1), 1), (.milliseconds(1500), 1500),
        ] as [(Duration, UInt64)])
    func isRoundedUpSoThatNoTimeoutIsEarly(_ duration: Duration, _ milliseconds: UInt64) {
        #expect(duration.milliseconds == milliseconds)
    }

    @Test(
        arguments: [
            .nanoseconds(-1), .microseconds(-1500), .seconds(-1), .seconds(-1) - .nanoseconds(1), .seconds(Int64.min),
        ] as [Duration])
    func isNeverNegative(_ duration: Duration) {
        #expect(duration.milliseconds == 0)
    }

    @Test func theLongestCanBeAdded() {
        let longest = Duration.seconds(Int64.max).milliseconds
        #expect(longest == (1 << 40) * 1000)
        #expect((Duration.seconds(Int64.max) + .nanoseconds(1)).milliseconds == longest + 1)
        #expect(Duration.seconds(1 << 40).milliseconds == longest)
        #expect(Duration.seconds((1 << 40) - 1).milliseconds == longest - 1000)
        #expect(Int64(exactly: 2 * longest) != nil)
    }
}
