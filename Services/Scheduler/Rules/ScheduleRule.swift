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
        // Carriage returns come with texts typed under Windows, and mean nothing to an agent.
        let prompt = prompt.withoutCarriageReturns.withoutNUL
        guard !expression.isEmpty, !prompt.isEmpty else {
            throw APIError(
                .badRequest, Sentence.cronAndPromptRequired, field: expression.isEmpty ? "cron_expr" : "prompt")
        }
        try APIError.check("name", name, upTo: Limits.scheduleName)
        if name.contains(where: \.isNewline) || name.utf8.contains(0) {
            throw APIError(.badRequest, Sentence.invalidRequestBody, field: "name", reason: "must be one line")
        }
        try APIError.check("cron_expr", expression, upTo: Limits.cronExpression)
        try APIError.check("timezone", timezone, upTo: Limits.timezoneName)
        try APIError.check("prompt", prompt, upTo: Limits.schedulePrompt)
        let timezone = timezone.isEmpty ? CronTimeZone.utc.name : timezone
        guard let zone = CronTimeZone(timezone) else {
            throw APIError(
                .badRequest, Sentence.invalidTimezone(timezone), field: "timezone", reason: "is not in the tz database")
        }
        return CheckedSchedule(
            name: name, expression: expression, timezone: timezone, prompt: prompt, cron: try cron(expression, zone))
    }

    private static func cron(_ expression: String, _ zone: CronTimeZone) throws(APIError) -> CronSchedule {
        do {
            return try CronSchedule(expression, timeZone: zone)
        } catch {
            throw APIError(
                .badRequest, "\(Sentence.invalidCronExpression): \(error)", field: "cron_expr", reason: "\(error)")
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
