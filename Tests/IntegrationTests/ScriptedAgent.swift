import Foundation
import HTTPCore
import JSONBytes
import Synchronization
import TestSupport
import UVHTTPServer
import UVLoop

/// An agent in this process that does what a test says, and keeps what it was sent.
final class ScriptedAgent: Sendable {
    struct Delivery: Sendable {
        let headers: HTTPHeaders
        let body: JSONValue

        var messageID: String? { body["params"]?["message"]?["messageId"]?.string }
        var text: String { body["params"]?["message"]?["parts"]?[0]?["text"]?.string ?? "" }
    }

    typealias Script = @Sendable (Delivery) async throws -> Response

    let url: String
    /// Its workspace's id and token, once it has joined.
    private let identity = Mutex<(id: String, token: String)>(("", ""))
    private let log = Mutex<[Delivery]>([])
    private let script: Mutex<Script>
    private let isStopped = Atomic(false)
    private let group: EventLoopGroup
    private let server: HTTPServer

    private init(group: EventLoopGroup, server: HTTPServer, port: UInt16, box: Box) {
        self.group = group
        self.server = server
        url = "http://localhost:\(port)/"
        script = Mutex(Self.echo)
        box.agent.withLock { $0 = self }
    }

    /// What the server's handler holds, since it is there before the agent.
    private final class Box: Sendable { let agent = Mutex<ScriptedAgent?>(nil) }

    static let echo: Script = { reply("echo: \($0.text)") }
    static let busy: Script = { _ in Response(.serviceUnavailable, body: .bytes(Array("{}".utf8))) }

    /// The JSON-RPC response of an agent that says `text`.
    static func reply(_ text: String) -> Response {
        let response: JSONValue = [
            "jsonrpc": "2.0", "id": "1",
            "result": ["kind": "message", "role": "agent", "parts": [["kind": "text", "text": .string(text)]]],
        ]
        return .json(bytes: response.encoded)
    }

    static func start() async throws -> ScriptedAgent {
        let group = EventLoopGroup(count: 1)
        let box = Box()
        var router = Router()
        router.on(.post, "/") { request in
            let body = try JSONValue(decoding: try await request.body.collect(upTo: 1 << 20))
            guard let agent = box.agent.withLock({ $0 }) else { return Response(.serviceUnavailable) }
            return try await agent.response(Delivery(headers: request.headers, body: body))
        }
        let server = HTTPServer(group: group, router: router)
        let port = try await server.start()
        return ScriptedAgent(group: group, server: server, port: port, box: box)
    }

    /// Starts an agent and registers it.
    static func join(_ registry: API, card: JSONValue = ["name": "scripted"]) async throws -> ScriptedAgent {
        let agent = try await start()
        let id = UUID().uuidString.lowercased()
        let response = try await registry.call(
            .post, "/registry/register", body: ["id": .string(id), "url": .string(agent.url), "agent_card": card])
        guard response.status == 200, let token = response.json["auth_token"]?.string else {
            throw TimedOut("register: \(response.status) \(response.text)")
        }
        agent.identity.withLock { $0 = (id, token) }
        return agent
    }

    var id: String { identity.withLock { $0.id } }
    var caller: (id: String, token: String) { identity.withLock { $0 } }
    var deliveries: [Delivery] { log.withLock { $0 } }

    func does(_ script: @escaping Script) { self.script.withLock { $0 = script } }

    private func response(_ delivery: Delivery) async throws -> Response {
        log.withLock { $0.append(delivery) }
        return try await script.withLock { $0 }(delivery)
    }

    /// One heartbeat that reports capacity.
    func beat(_ registry: API, active: Int = 0) async throws {
        let (id, token) = caller
        let response = try await registry.call(
            .post, "/registry/heartbeat", bearer: token,
            body: [
                "workspace_id": .string(id), "error_rate": 0, "sample_error": "", "active_tasks": .int(active),
                "current_task": "", "uptime_seconds": 1,
            ])
        guard response.status == 200 else { throw TimedOut("heartbeat: \(response.status) \(response.text)") }
    }

    /// Ends it; nothing listens at its address any more. Idempotent.
    func stop() async {
        guard !isStopped.exchange(true, ordering: .relaxed) else { return }
        await server.drain(within: .milliseconds(100))
        group.shutdown()
    }
}

extension Fleet {
    /// Runs a test with scripted agents that have joined, and stops them whatever happens.
    func withAgents(_ count: Int, registry: API, _ body: ([ScriptedAgent]) async throws -> Void) async throws {
        var agents: [ScriptedAgent] = []
        var failure: (any Error)?
        do {
            for _ in 0..<count { agents.append(try await ScriptedAgent.join(registry)) }
            try await body(agents)
        } catch {
            failure = error
        }
        for agent in agents { await agent.stop() }
        if let failure { throw failure }
    }
}
