import Contracts
import Cron
import PlatformInternals

/// A schedule that a template's `config.yaml` declares: `name`, `cron_expr`, `timezone`, `prompt`, `enabled`, `overlap`
/// and `missed`, as in the request that creates one. Workspaces made from the template begin with it.
package struct TemplateSchedule: Sendable, Hashable {
    package var name: String
    package var expression: String
    package var timezone: String
    package var prompt: String
    package var isEnabled: Bool
    package var overlap: ScheduleOverlap
    package var missed: MissedSlots

    package init(
        name: String = "", expression: String, timezone: String = "UTC", prompt: String, isEnabled: Bool = true,
        overlap: ScheduleOverlap = .skip, missed: MissedSlots = .once
    ) {
        self.name = name
        self.expression = expression
        self.timezone = timezone
        self.prompt = prompt
        self.isEnabled = isEnabled
        self.overlap = overlap
        self.missed = missed
    }

    /// - Parameter warn: called for each ignored schedule with `field: reason`.
    static func list(_ yaml: YAMLValue?, warn: (String) -> Void) -> [TemplateSchedule] {
        guard let yaml, !yaml.isNull else { return [] }
        guard case .sequence(let entries) = yaml else {
            warn("schedules: not a list")
            return []
        }
        if entries.count > Limits.schedules { warn("schedules: more than \(Limits.schedules)") }
        var names: Set<String> = []
        return entries.prefix(Limits.schedules).enumerated().compactMap { index, entry in
            do throws(Invalid) {
                let schedule = try TemplateSchedule(entry)
                guard schedule.name.isEmpty || names.insert(schedule.name).inserted else {
                    throw Invalid("name: stands there twice")
                }
                return schedule
            } catch {
                warn("schedules[\(index)].\(error.reason)")
                return nil
            }
        }
    }

    private struct Invalid: Error {
        let reason: String

        init(_ reason: String) { self.reason = reason }
    }

    private init(_ yaml: YAMLValue) throws(Invalid) {
        self.init(
            name: try Self.text(yaml, "name", upTo: Limits.scheduleName) ?? "",
            expression: try Self.text(yaml, "cron_expr", upTo: Limits.cronExpression) ?? "",
            timezone: try Self.text(yaml, "timezone", upTo: Limits.timezoneName) ?? "UTC",
            prompt: try Self.text(yaml, "prompt", upTo: Limits.schedulePrompt)?.withoutCarriageReturns ?? "",
            isEnabled: !["false", "no", "off"].contains(yaml["enabled"]?.string?.lowercased() ?? ""),
            overlap: try Self.choice(yaml, "overlap") ?? .skip, missed: try Self.choice(yaml, "missed") ?? .once)
        if name.contains(where: \.isNewline) { throw Invalid("name: not one line") }
        if expression.isEmpty { throw Invalid("cron_expr: is required") }
        if prompt.isEmpty { throw Invalid("prompt: is required") }
        guard let zone = CronTimeZone(timezone) else { throw Invalid("timezone: not in the tz database") }
        do {
            _ = try CronSchedule(expression, timeZone: zone)
        } catch {
            throw Invalid("cron_expr: \(error)")
        }
    }

    private static func text(_ yaml: YAMLValue, _ name: String, upTo limit: Int) throws(Invalid) -> String? {
        guard let value = yaml[name], !value.isNull else { return nil }
        guard let text = value.string else { throw Invalid("\(name): not a text") }
        if text.isLonger(than: limit) || text.contains(byte: 0) { throw Invalid("\(name): too long, or has a NUL") }
        return text
    }

    private static func choice<Choice: RawRepresentable & CaseIterable>(
        _ yaml: YAMLValue, _ name: String
    ) throws(Invalid) -> Choice? where Choice.RawValue == String {
        guard let text = try text(yaml, name, upTo: 32) else { return nil }
        guard let choice = Choice(rawValue: text) else {
            throw Invalid("\(name): not one of \(Choice.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        return choice
    }
}
