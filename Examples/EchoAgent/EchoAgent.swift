import Foundation
import WorkspaceRuntime

/// The agent: messages and control commands end in the same place.
enum EchoAgent {
    static let card = AgentCard(
        name: "Echo", description: "Echoes what it is told",
        skills: [
            AgentCard.Skill(id: "echo", name: "Echo", description: "Repeats a message", tags: ["example"])
        ])

    static func make(_ configuration: AgentConfiguration) -> WorkspaceAgent {
        let log = MessageLog()
        let control = AgentEndpoint("POST", "/control") { body, agent in
            guard let request = try? JSONDecoder().decode(ControlRequest.self, from: Data(body)) else {
                throw AgentError("a body {\"command\": ...} is required")
            }
            let reply = try await EchoCommands.run(request.command, agent)
            return Array(try JSONEncoder().encode(["reply": reply]))
        }
        let logged = AgentEndpoint("GET", "/control/log") { _, _ in
            Array(try JSONEncoder().encode(log.entries))
        }
        return WorkspaceAgent(configuration, endpoints: [control, logged]) { message, context in
            log.add(message)
            await context.progress("working on it")
            return AgentReply(try await EchoCommands.run(message.text, context.agent))
        }
    }

    private struct ControlRequest: Decodable {
        let command: String
    }
}
