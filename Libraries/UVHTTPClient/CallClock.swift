/// When a call's time is up. Times are milliseconds of the loop's clock; `.max` is never.
struct CallClock {
    private let idle: UInt64
    private(set) var total: UInt64 = .max
    private var lastLife: UInt64 = 0
    /// Set by whoever knew of life elsewhere.
    private var extended: UInt64 = 0
    /// The expiry closure is being asked: until it answers there is no idle deadline.
    var isAsking = false

    init(idle: UInt64, total: UInt64?, now: UInt64) {
        self.idle = idle
        if let total { self.total = now + total }
        lastLife = now
    }

    mutating func recordActivity(at now: UInt64) {
        lastLife = now
    }

    mutating func extend(until deadline: UInt64) {
        extended = deadline
    }

    /// When nothing will have come for too long.
    var idleDeadline: UInt64 {
        isAsking ? .max : max(lastLife + idle, extended)
    }

    /// When to look again.
    var next: UInt64 { min(idleDeadline, total) }
}
