import Foundation
import WorkspaceRuntime

/// The commands that the agent understands, in a message or at its control endpoint.
///
///     sleep <seconds> | busy on|off | wedge <reason> | unwedge | fail <text> | beat
///     delegate <target> <task> | ask <target> <task> | tell <text>
///
/// Anything else is echoed.
enum EchoCommands {
    /// - Throws: ``AgentError`` with the reason, for the sender of the command.
    static func run(_ text: String, _ agent: WorkspaceAgent) async throws -> String {
        let words = text.split(separator: " ", maxSplits: 1)
        let rest = words.count > 1 ? String(words[1]) : ""
        do {
            switch (words.first, rest) {
            case ("sleep", _):
                guard let seconds = Double(rest), seconds >= 0, seconds <= 86_400 else { break }
                try await agent.sleep(for: .seconds(seconds))
                return "slept \(rest)"
            case ("busy", "on"), ("busy", "off"):
                agent.refusesMessages = rest == "on"
                if rest == "off" { agent.scheduleHeartbeat() }
                return "busy \(rest)"
            case ("wedge", _):
                // A change of the wedge makes the runtime beat at once.
                agent.wedge.markWedged(rest)
                return "wedged: \(agent.wedge.wedgeReason ?? "")"
            case ("unwedge", ""):
                agent.wedge.clearWedge()
                return "recovered"
            case ("beat", ""):
                guard await agent.sendHeartbeat() else {
                    throw AgentError("the platform did not receive the heartbeat")
                }
                return "beaten"
            case ("fail", _): throw AgentError(rest.isEmpty ? "failed as told" : rest)
            case ("delegate", _):
                guard let (target, task) = target(rest) else { break }
                return "delegated: \(try await agent.platform.delegate(task, to: target))"
            case ("ask", _):
                guard let (target, task) = target(rest) else { break }
                return "answered: \(try await agent.platform.delegateAndWait(task, to: target))"
            case ("tell", _) where !rest.isEmpty:
                try await agent.platform.notifyUser(rest)
                return "told"
            default: break
            }
        } catch let error as PlatformError {
            throw AgentError(error.description)
        }
        return "echo: \(text)"
    }

    private static func target(_ text: String) -> (UUID, String)? {
        let words = text.split(separator: " ", maxSplits: 1)
        guard words.count == 2, let id = UUID(uuidString: String(words[0])) else { return nil }
        return (id, String(words[1]))
    }
}
