/// When a call's time is up. Times are milliseconds of the loop's clock; `.max` is never.
struct CallClock {
    private let idle: UInt64
    private(set) var total: UInt64 = .max
    private var lastActivity: UInt64 = 0
    /// Set by the expiry closure, which may know of activity elsewhere.
    private var extended: UInt64 = 0
    /// The expiry closure is being asked: until it returns there is no idle deadline.
    var isAsking = false

    init(idle: UInt64, total: UInt64?, now: UInt64) {
        self.idle = idle
        if let total { self.total = now + total }
        lastActivity = now
    }

    mutating func recordActivity(at now: UInt64) {
        lastActivity = now
    }

    mutating func extend(until deadline: UInt64) {
        extended = deadline
    }

    /// When nothing will have come for too long.
    var idleDeadline: UInt64 {
        isAsking ? .max : max(lastActivity + idle, extended)
    }

    /// When to look again.
    var next: UInt64 { min(idleDeadline, total) }
}
