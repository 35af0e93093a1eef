/// The part of an expression that an error is about.
package enum CronField: String, Sendable, Hashable, CaseIterable {
    /// The text as a whole.
    case expression
    case minute
    case hour
    case dayOfMonth = "day_of_month"
    case month
    case dayOfWeek = "day_of_week"
    /// The length of time after `@every`.
    case every
    /// The name after `CRON_TZ=` or `TZ=`.
    case timezone

    /// The field in plain words.
    package var words: String {
        switch self {
        case .expression: "expression"
        case .minute: "minute"
        case .hour: "hour"
        case .dayOfMonth: "day of the month"
        case .month: "month"
        case .dayOfWeek: "day of the week"
        case .every: "@every"
        case .timezone: "time zone"
        }
    }
}

/// Why an expression is rejected, in words that users may see.
package struct CronError: Error, Sendable, Hashable, CustomStringConvertible {
    package let field: CronField
    /// A sentence without its subject, such as `61 is beyond 59`.
    package let reason: String

    /// Such as `minute: 61 is beyond 59`.
    package var description: String { "\(field.words): \(reason)" }

    init(_ field: CronField, _ reason: String) {
        self.field = field
        self.reason = reason
    }
}
