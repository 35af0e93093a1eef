import Foundation

/// The system's monotonic clock, read without a system call: it never jumps, and its zero means nothing.
package enum MonotonicClock {
    /// Nanoseconds.
    package static var nanoseconds: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    /// Whole milliseconds, signed so that a time that has passed is a negative rest.
    package static var milliseconds: Int64 { Int64(nanoseconds / 1_000_000) }
}
