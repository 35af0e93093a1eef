import ASCIIText
import Glibc

/// An instant of the wall clock, written as RFC 3339 in UTC.
package struct Timestamp: Sendable, Hashable {
    /// Whole seconds since 1970.
    package let seconds: Int
    /// The rest, in nanoseconds.
    package let nanoseconds: Int

    package init(seconds: Int, nanoseconds: Int = 0) {
        self.seconds = seconds
        self.nanoseconds = nanoseconds
    }

    /// Now, by the system's clock.
    package static var now: Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(seconds: time.tv_sec, nanoseconds: time.tv_nsec)
    }

    /// `2026-01-02T03:04:05.678901Z`, to the microsecond.
    package var rfc3339: String {
        let time = CivilTime(seconds: seconds, microsecond: nanoseconds / 1000)
        return String(unsafeUninitializedCapacity: CivilTime.length + 1) { buffer in
            time.write(to: buffer, separator: UInt8(ascii: "T"))
            buffer[CivilTime.length] = UInt8(ascii: "Z")
            return CivilTime.length + 1
        }
    }
}
