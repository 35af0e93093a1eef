import Foundation
import HTTPCore
import JSONBytes
import Postgres
import Testing
import TestSupport

/// What two proxies do with agents and faults that are not the usual ones: one test at a time, each with services of
/// its own.
@Suite("A2A proxy under attack", .serialized)
enum A2AHostilityTests {}

/// A registry, two proxies and a sweeper, with timeouts that a test can wait for.
struct A2AFleet: Sendable {
    static let idleSeconds = 5
    static let settings = [
        "A2A_IDLE_TIMEOUT_SECONDS": "\(idleSeconds)", "A2A_CONNECT_TIMEOUT_SECONDS": "3", "A2A_LEASE_SECONDS": "10",
        "A2A_DELEGATION_RETRY_SECONDS": "1",
    ]

    let fleet: Fleet

    var registry: API { fleet.apis[0] }
    var proxies: [API] { [fleet.apis[1], fleet.apis[2]] }
    var proxyProcesses: [ServiceProcess] { [fleet.services[1], fleet.services[2]] }

    static func with(
        _ environment: [String: String] = [:], _ body: (A2AFleet) async throws -> Void
    ) async throws {
        let settings = settings.merging(["LOG_LEVEL": "info"]) { $1 }.merging(environment) { $1 }
        try await Fleet.with(["registry", "a2a-proxy", "a2a-proxy", "sweeper"], environment: settings) {
            let fleet = A2AFleet(fleet: $0)
            try await body(fleet)
            for service in fleet.fleet.services where !service.isRunning {
                // Those that a test killed do not count.
                let code = await service.exited()
                if code != 128 + SIGKILL { Issue.record("\(service.name): \(code): \(service.output.suffix(4000))") }
            }
        }
    }

    /// A workspace that is online and whose agent listens at `url`.
    func workspace(
        _ url: String, capacity: Int = 1, fields: [String: JSONValue] = [:]
    ) async throws -> (id: String, token: String) {
        var body: [String: JSONValue] = ["max_concurrent_tasks": .int(capacity)]
        body.merge(fields) { $1 }
        let made = try await fleet.create(body)
        try await move(made, to: url)
        return made
    }

    /// Its agent is found somewhere else from now on, as by a new registration.
    func move(_ workspace: (id: String, token: String), to url: String) async throws {
        let response = try await registry.call(
            .post, "/registry/register", bearer: workspace.token,
            body: ["id": .string(workspace.id), "url": .string(url), "agent_card": ["name": "agent"]])
        guard response.status == 200 else { throw TimedOut("register: \(response.status) \(response.text)") }
    }

    /// A heartbeat with capacity.
    func beat(_ workspace: (id: String, token: String), metadata: JSONValue? = nil) async throws {
        var body: [String: JSONValue] = ["workspace_id": .string(workspace.id), "active_tasks": 0]
        if let metadata { body["runtime_metadata"] = metadata }
        let response = try await registry.call(
            .post, "/registry/heartbeat", bearer: workspace.token, body: .object(body))
        guard response.status == 200 else { throw TimedOut("heartbeat: \(response.status) \(response.text)") }
    }

    /// What the queue says of an item.
    struct Item: Equatable, Sendable {
        var status = ""
        var attempts = 0
        var isUncertain = false
        var error: String?
        var claims = 0
        var owner: String?
    }

    func item(_ id: String) async throws -> Item {
        let rows = try await fleet.sql(
            """
            SELECT status, attempts, delivery_uncertain, last_error, claim_number, lease_owner FROM a2a_queue
            WHERE id = $1::uuid
            """, [id])
        guard let row = rows.first else { return Item() }
        return Item(
            status: row.string(0), attempts: row.int(1), isUncertain: row.bool(2), error: row.optionalString(3),
            claims: row.int(4), owner: row.optionalString(5))
    }

    /// Waits for an item to be in the state that a test expects.
    @discardableResult
    func item(
        _ id: String, within limit: Duration = .seconds(60), _ what: String, _ isIt: (Item) -> Bool
    ) async throws -> Item {
        var last = Item()
        try await eventually(within: limit, "\(what): item \(id), last seen as \(last)") {
            last = try await item(id)
            return isIt(last)
        }
        return last
    }
}

extension API {
    /// An A2A message, as `message`, with what a test wants to say beside it.
    ///
    /// - Parameter timeout: `X-Timeout`.
    func send(
        _ text: String, to workspace: String, id: String = UUID().uuidString.lowercased(),
        from caller: (id: String, token: String)? = nil, timeout: String? = nil, within limit: Duration = .seconds(60)
    ) async throws -> ReceivedResponse {
        let body: JSONValue = [
            "jsonrpc": "2.0", "id": .string(id), "method": "message/send",
            "params": ["message": ["messageId": .string(id), "parts": [["kind": "text", "text": .string(text)]]]],
        ]
        var headers: HTTPHeaders = caller.map { ["X-Workspace-ID": $0.id] } ?? [:]
        if let timeout { headers.add("X-Timeout", timeout) }
        return try await call(
            .post, "/workspaces/\(workspace)/a2a", bearer: caller?.token ?? Platform.adminToken, body: body,
            headers: headers, within: limit)
    }
}
