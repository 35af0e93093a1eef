import ASCIIText
import Testing

@Suite struct CivilTimeTests {
    private func text(_ time: CivilTime) -> String {
        var bytes: [UInt8] = []
        time.append(to: &bytes, separator: UInt8(ascii: "_"), zone: "+00")
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test(arguments: [
        (0, "1970-01-01_00:00:00.000000+00"),
        (-1, "1969-12-31_23:59:59.999999+00"),
        (951_782_400_000_000, "2000-02-29_00:00:00.000000+00"),
        (1_735_689_599_123_456, "2024-12-31_23:59:59.123456+00"),
        (-62_135_596_800_000_000, "0001-01-01_00:00:00.000000+00"),
        (253_402_300_799_999_999, "9999-12-31_23:59:59.999999+00"),
        (253_402_300_800_000_000, "10000-01-01_00:00:00.000000+00"),
    ])
    func isWritten(_ microseconds: Int, _ expected: String) {
        #expect(text(CivilTime(microseconds: microseconds)) == expected)
    }

    @Test func secondsAndMicrosecondsAreTheSameTime() {
        for microseconds in stride(from: -5_000_000_000_000_000, to: 5_000_000_000_000_000, by: 12_345_678_901_237) {
            let seconds = microseconds.dividedDown(by: 1_000_000)
            let apart = CivilTime(seconds: seconds, microsecond: microseconds - seconds * 1_000_000)
            #expect(CivilTime(microseconds: microseconds) == apart)
        }
    }

    /// 400 years repeat exactly: these are all the days there are.
    @Test func daysFollowEachOtherForFourHundredYears() {
        var expected = CivilDay(year: 1900, month: 1, day: 1)
        let first = expected.number
        for number in first..<first + 146_097 {
            let day = CivilDay(number: number)
            guard day == expected, day.number == number else {
                Issue.record("\(number) is \(day), and not \(expected)")
                return
            }
            expected.day += 1
            guard expected.day > CivilDay.daysInMonth(expected.month, of: expected.year) else { continue }
            (expected.month, expected.day) = (expected.month + 1, 1)
            if expected.month > 12 { (expected.year, expected.month) = (expected.year + 1, 1) }
        }
        #expect(expected == CivilDay(year: 2300, month: 1, day: 1))
    }

    @Test func readerTakesPiecesAndNothingElse() {
        Array("2026-1234567890.5x".utf8).withUnsafeBufferPointer { text in
            var reader = TimeReader(text)
            #expect(reader.number(digits: 4) == 2026 && !reader.take(":") && reader.take("-"))
            #expect(reader.number() == 123_456_789)
            #expect(reader.fraction() == 0)
            #expect(reader.number() == 0 && reader.fraction() == 500_000_000)
            #expect(reader.number() == nil && !reader.isAtEnd && reader.take("x") && reader.isAtEnd)
            #expect(reader.fraction() == 0)
        }
        for (text, nanoseconds) in [(".123456789123", 123_456_789), (".", nil), (".x", nil), (".000001", 1000)] {
            Array(text.utf8).withUnsafeBufferPointer { bytes in
                var reader = TimeReader(bytes)
                #expect(reader.fraction() == nanoseconds, "\(text)")
            }
        }
    }
}
