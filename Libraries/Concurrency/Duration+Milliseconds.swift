extension Duration {
    /// Some 35,000 years in seconds: sums of two such times cannot overflow as milliseconds.
    private static let longestSeconds: Int64 = 1 << 40

    /// Whole milliseconds, rounded up so that no time-out is early, and never negative.
    package var milliseconds: UInt64 {
        let (seconds, attoseconds) = components
        if seconds < 0 || attoseconds < 0 { return 0 }
        return UInt64(min(seconds, Self.longestSeconds)) * 1000
            + UInt64((attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
    }
}
