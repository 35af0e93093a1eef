import Foundation
import HTTPCore
import JSONBytes
import TestSupport
import UVHTTPClient

/// The example agent as a process: registers by itself, beats, responds, and misbehaves on command.
final class EchoAgentProcess: Sendable {
    let id = UUID().uuidString.lowercased()
    private let leash: Leash
    private let control: API
    private let folder: String

    private init(_ platform: Platform, heartbeatSeconds: Double, name: String) async throws {
        folder = try TemporaryFolder.make("agent")
        let port = try Ports.free()
        leash = try await Leash.start(
            [try ServiceProcess.executable("echo-agent")],
            environment: [
                "WORKSPACE_ID": id, "PLATFORM_URL": platform.url, "PORT": "\(port)",
                "AGENT_URL": "http://localhost:\(port)", "ADMIN_TOKEN": Platform.adminToken, "CONFIGS_DIR": folder,
                "HEARTBEAT_SECONDS": "\(heartbeatSeconds)", "NAME": name,
            ])
        control = API(baseURL: "http://127.0.0.1:\(port)")
    }

    /// Starts an agent and waits until the platform says it is online.
    static func start(
        on platform: Platform, heartbeatSeconds: Double = 1, name: String = "echo"
    ) async throws -> EchoAgentProcess {
        let agent = try await EchoAgentProcess(platform, heartbeatSeconds: heartbeatSeconds, name: name)
        try await eventually("\(name) to be online", detail: { agent.leash.outputTail }) {
            // The platform has it a moment before the agent has saved its token.
            guard !agent.token.isEmpty else { return false }
            return try await platform.api.status(of: agent.id) == "online"
        }
        return agent
    }

    /// What the agent saved when it registered.
    var token: String {
        let text = try? String(contentsOfFile: folder + "/.auth_token", encoding: .utf8)
        return text?.trimmingCharacters(in: .whitespacesAndNewlines) ?? ""
    }

    /// Sends it a command out of band: `busy on`, `wedge <reason>`, `beat`, ...
    func command(_ command: String) async throws {
        let response = try await control.call(.post, "/control", bearer: nil, body: ["command": .string(command)])
        guard response.status == 200 else { throw TimedOut("\(command): \(response.status) \(response.text)") }
    }

    /// The texts that reached it, in order: the ledger of deliveries.
    func received() async throws -> [(text: String, messageID: String, attempt: Int?)] {
        let log = try await control.call(.get, "/control/log", bearer: nil).json
        return (log.array ?? log["messages"]?.array ?? []).map {
            ($0["text"]?.string ?? "", $0["messageId"]?.string ?? "", $0["deliveryAttempt"]?.int)
        }
    }

    func stop() async {
        await leash.terminate()
        control.close()
    }

    func kill() async { await leash.kill() }
}
