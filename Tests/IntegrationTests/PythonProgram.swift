import Foundation
import HTTPCore
import JSONBytes
import Testing
import TestSupport

/// A program below `Tests/Python`, on the packages of the example agent.
enum PythonProgram {
    private static func command(_ name: String, _ arguments: [String]) throws -> [String] {
        let python = try #require(
            ProcessInfo.processInfo.environment["SWITCHYARD_PYTHON"],
            "run the tests with ./dev test, which makes the Python environment")
        return [python, Repository.path("Tests/Python/\(name)")] + arguments
    }

    static func start(
        _ name: String, _ arguments: [String], environment: [String: String] = [:]
    ) async throws -> Leash {
        try await Leash.start(try command(name, arguments), environment: environment)
    }

    /// Runs a program to its end.
    ///
    /// - Returns: those of its lines that are JSON arrays or objects.
    /// - Throws: its output, when it ended with an error.
    static func run(
        _ name: String, _ arguments: [String], environment: [String: String] = [:]
    ) async throws -> [JSONValue] {
        try await Leash.run(try command(name, arguments), environment: environment).split(separator: "\n")
            .filter { $0.hasPrefix("[") || $0.hasPrefix("{") }.map { try JSONValue(decoding: Array($0.utf8)) }
    }
}

/// A standard agent on the a2a-sdk, which knows nothing of the platform and never heartbeats.
struct StandardAgent: Sendable {
    let url: String
    let api: API
    private let leash: Leash
    /// It responds with 503 while this is there.
    let busyFile: String

    static func start() async throws -> StandardAgent {
        let port = try Ports.free()
        let busyFile = try TemporaryFolder.make("standard-agent") + "/busy"
        let leash = try await PythonProgram.start("task_agent.py", ["\(port)"], environment: ["BUSY_FILE": busyFile])
        let agent = StandardAgent(
            url: "http://localhost:\(port)", api: API(baseURL: "http://127.0.0.1:\(port)"), leash: leash,
            busyFile: busyFile)
        try await eventually(within: .seconds(30), "the agent to listen", detail: { leash.outputTail }) {
            try await onThread { PlainSocket.status(port: port, path: "/calls") == 200 }
        }
        return agent
    }

    /// Makes it respond with 503, or not any more.
    func setBusy(_ isBusy: Bool) throws {
        if isBusy {
            try Data().write(to: URL(fileURLWithPath: busyFile))
        } else {
            try FileManager.default.removeItem(atPath: busyFile)
        }
    }

    /// Registers it by its own card.
    ///
    /// - Returns: its id.
    func register(at registry: API) async throws -> String {
        let id = UUID().uuidString.lowercased()
        let card = try await api.call(.get, "/.well-known/agent-card.json", bearer: nil).json
        let response = try await registry.call(
            .post, "/registry/register", body: ["id": .string(id), "url": .string(url + "/"), "agent_card": card])
        guard response.status == 200 else { throw TimedOut("register: \(response.status) \(response.text)") }
        return id
    }

    /// The header fields of every call that reached it.
    func calls() async throws -> [JSONValue] {
        try await api.call(.get, "/calls", bearer: nil).json.array ?? []
    }

    func stop() async {
        await leash.kill()
        api.close()
    }
}
