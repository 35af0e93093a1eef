import AgentResponses
import Contracts
import Cron
import Foundation
import HTTPCore
import PlatformInternals
import ServiceHost
import UVHTTPServer

/// A validated schedule, ready to be stored.
package struct CheckedSchedule: Sendable {
    package var name: String
    package var expression: String
    package var timezone: String
    package var prompt: String
    package var cron: CronSchedule
}

/// Validates the schedule in a request.
package enum ScheduleRule {
    /// - Throws: `APIError` 400 naming the field.
    package static func check(
        name: String, expression: String, timezone: String, prompt: String
    ) throws(APIError) -> CheckedSchedule {
        let expression = expression.trimmingCharacters(in: .whitespacesAndNewlines)
        guard !expression.isEmpty else {
            throw APIError(.badRequest, ErrorMessage.cronAndPromptRequired, field: "cron_expr")
        }
        let prompt = try check(prompt: prompt)
        let name = try check(name: name)
        let cron = try check(expression: expression, timezone: timezone)
        return CheckedSchedule(
            name: name, expression: expression, timezone: timezone.isEmpty ? CronTimeZone.utc.name : timezone,
            prompt: prompt, cron: cron)
    }

    /// - Parameter timezone: used when the expression names no zone itself; UTC when empty.
    /// - Throws: `APIError` 400 naming the field.
    package static func check(expression: String, timezone: String) throws(APIError) -> CronSchedule {
        let expression = expression.trimmingCharacters(in: .whitespacesAndNewlines)
        guard !expression.isEmpty else { throw APIError.invalidBody(field: "cron_expr", reason: "is required") }
        try APIError.check("cron_expr", expression, upTo: Limits.cronExpression)
        try APIError.check("timezone", timezone, upTo: Limits.timezoneName)
        guard let zone = CronTimeZone(timezone.isEmpty ? CronTimeZone.utc.name : timezone) else {
            throw APIError(
                .badRequest, ErrorMessage.invalidTimezone(timezone), field: "timezone",
                reason: "is not in the tz database")
        }
        return try cron(expression, zone)
    }

    /// An explanation of an expression; nil for one that cannot be parsed (any more).
    package static func sentence(_ expression: String, in timezone: String) -> String? {
        guard let zone = CronTimeZone(timezone) else { return nil }
        return (try? CronSchedule(expression, timeZone: zone))?.explanation
    }

    /// - Throws: `APIError` 400.
    package static func check(name: String) throws(APIError) -> String {
        try APIError.check("name", name, upTo: Limits.scheduleName)
        if name.contains(where: \.isNewline) || name.utf8.contains(0) {
            throw APIError(.badRequest, ErrorMessage.invalidRequestBody, field: "name", reason: "must be one line")
        }
        return name
    }

    /// Removes carriage returns, which come from Windows clients and mean nothing to an agent.
    ///
    /// - Throws: `APIError` 400.
    package static func check(prompt: String) throws(APIError) -> String {
        let prompt = prompt.withoutCarriageReturns.withoutNUL
        if prompt.isEmpty { throw APIError(.badRequest, ErrorMessage.cronAndPromptRequired, field: "prompt") }
        try APIError.check("prompt", prompt, upTo: Limits.schedulePrompt)
        return prompt
    }

    private static func cron(_ expression: String, _ zone: CronTimeZone) throws(APIError) -> CronSchedule {
        do {
            return try CronSchedule(expression, timeZone: zone)
        } catch {
            throw APIError(
                .badRequest, "\(ErrorMessage.invalidCronExpression): \(error)", field: "cron_expr", reason: "\(error)")
        }
    }

    /// The condition of a schedule: the most severe of its problems. `FleetScheduleStore` says the same in SQL; a test
    /// compares the two.
    ///
    /// - Parameter now: of the database.
    package static func condition(
        isEnabled: Bool, next: Date?, lastStatus: ScheduleStatus?, now: Date
    ) -> ScheduleCondition {
        guard isEnabled else { return .paused }
        return switch problems(next: next, lastStatus: lastStatus, now: now).first {
        case .late: .late
        case .failing: .failing
        case .stale: .stale
        case .skipped: .skipped
        case nil: .ok
        }
    }

    /// The problems of an enabled schedule, the most severe first.
    ///
    /// - Parameter now: of the database.
    package static func problems(next: Date?, lastStatus: ScheduleStatus?, now: Date) -> [ScheduleProblem] {
        var problems: [ScheduleProblem] = []
        if next.map({ now.timeIntervalSince($0) > FiringRule.tolerance }) ?? true { problems.append(.late) }
        switch lastStatus {
        case .error: problems.append(.failing)
        case .stale: problems.append(.stale)
        case .skipped: problems.append(.skipped)
        case .ok, nil: break
        }
        return problems
    }
}
