import AgentResponses
import Contracts
import Cron
import Foundation
import HTTPCore
import HTTPServer
import ServiceHost

/// A schedule as it is to be stored, every value checked.
package struct CheckedSchedule: Sendable {
    package var name: String
    package var expression: String
    package var timezone: String
    package var prompt: String
    package var cron: CronSchedule
}

/// Checks what a request says about a schedule.
package enum ScheduleRule {
    /// - Throws: `APIError` 400 naming the field.
    package static func check(
        name: String, expression: String, timezone: String, prompt: String
    ) throws(APIError) -> CheckedSchedule {
        let expression = expression.trimmingCharacters(in: .whitespacesAndNewlines)
        guard !expression.isEmpty else {
            throw APIError(.badRequest, Sentence.cronAndPromptRequired, field: "cron_expr")
        }
        let prompt = try check(prompt: prompt)
        let name = try check(name: name)
        let cron = try check(expression: expression, timezone: timezone)
        return CheckedSchedule(
            name: name, expression: expression, timezone: timezone.isEmpty ? CronTimeZone.utc.name : timezone,
            prompt: prompt, cron: cron)
    }

    /// - Parameter timezone: counts where the expression names no zone itself; UTC when empty.
    /// - Throws: `APIError` 400 naming the field.
    package static func check(expression: String, timezone: String) throws(APIError) -> CronSchedule {
        let expression = expression.trimmingCharacters(in: .whitespacesAndNewlines)
        guard !expression.isEmpty else { throw APIError.invalidBody(field: "cron_expr", reason: "is required") }
        try APIError.check("cron_expr", expression, upTo: Limits.cronExpression)
        try APIError.check("timezone", timezone, upTo: Limits.timezoneName)
        guard let zone = CronTimeZone(timezone.isEmpty ? CronTimeZone.utc.name : timezone) else {
            throw APIError(
                .badRequest, Sentence.invalidTimezone(timezone), field: "timezone", reason: "is not in the tz database")
        }
        return try cron(expression, zone)
    }

    /// An expression in words; nil for one that cannot be read (any more).
    package static func sentence(_ expression: String, in timezone: String) -> String? {
        guard let zone = CronTimeZone(timezone) else { return nil }
        return (try? CronSchedule(expression, timeZone: zone))?.explanation
    }

    /// - Throws: `APIError` 400.
    package static func check(name: String) throws(APIError) -> String {
        try APIError.check("name", name, upTo: Limits.scheduleName)
        if name.contains(where: \.isNewline) || name.utf8.contains(0) {
            throw APIError(.badRequest, Sentence.invalidRequestBody, field: "name", reason: "must be one line")
        }
        return name
    }

    /// Takes carriage returns out, which come with texts typed under Windows and mean nothing to an agent.
    ///
    /// - Throws: `APIError` 400.
    package static func check(prompt: String) throws(APIError) -> String {
        let prompt = prompt.withoutCarriageReturns.withoutNUL
        if prompt.isEmpty { throw APIError(.badRequest, Sentence.cronAndPromptRequired, field: "prompt") }
        try APIError.check("prompt", prompt, upTo: Limits.schedulePrompt)
        return prompt
    }

    private static func cron(_ expression: String, _ zone: CronTimeZone) throws(APIError) -> CronSchedule {
        do {
            return try CronSchedule(expression, timeZone: zone)
        } catch {
            throw APIError(
                .badRequest, "\(Sentence.invalidCronExpression): \(error)", field: "cron_expr", reason: "\(error)")
        }
    }

    /// How a schedule is doing: the gravest of its problems.
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

    /// What is wrong with an enabled schedule, the gravest first.
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
