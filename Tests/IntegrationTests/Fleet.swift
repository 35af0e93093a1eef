import Foundation
import HTTPCore
import JSONBytes
import Postgres
import TestSupport
import UVLoop

/// A few services on a database and virtual host of their own, each called directly: for what one service does, or
/// several instances of it do together.
struct Fleet: Sendable {
    let postgres: PostgresPool
    let services: [ServiceProcess]
    /// The clients of the services, in the order of starting.
    let apis: [API]
    private let environment: [String: String]

    /// The client of the first service.
    var api: API { apis[0] }

    /// Runs a test against services, which are ended whatever happens.
    ///
    /// - Parameters:
    ///   - names: the services to start.
    ///   - environment: settings beside or in place of those of the harness.
    static func with(
        _ names: [String], environment: [String: String] = [:], _ body: (Fleet) async throws -> Void
    ) async throws {
        let databaseURL = try await SharedServers.postgres().makeMigratedDatabase("fleet")
        let variables = [
            "DATABASE_URL": databaseURL, "AMQP_URL": try await SharedServers.rabbit().makeVirtualHost("fleet"),
            "REDIS_URL": try await SharedServers.redis().url, "ADMIN_TOKEN": Platform.adminToken,
            "MOLECULE_ENV": "development", "RATE_LIMIT": "0", "EVENT_LOOPS": "1", "LOG_LEVEL": "debug",
        ].merging(environment) { $1 }
        let group = EventLoopGroup(count: 1)
        defer { group.shutdown() }
        let pool = PostgresPool(url: databaseURL, group: group, configuration: .unhurried)
        let outcome = await run(names, variables, pool, body)
        await pool.close()
        try outcome.get()
    }

    private static func run(
        _ names: [String], _ variables: [String: String], _ pool: PostgresPool, _ body: (Fleet) async throws -> Void
    ) async -> Result<Void, any Error> {
        var services: [ServiceProcess] = []
        var result: Result<Void, any Error> = .success(())
        do {
            for name in names { services.append(try await ServiceProcess.start(name, environment: variables)) }
            let apis = services.map { API(baseURL: $0.baseURL) }
            let fleet = Fleet(postgres: pool, services: services, apis: apis, environment: variables)
            defer { for api in fleet.apis { api.close() } }
            try await body(fleet)
        } catch {
            result = .failure(error)
        }
        for service in services { await service.kill9() }
        return result
    }

    /// Runs a part of a test against one more service on the same stores.
    func start(
        _ name: String, with settings: [String: String], _ body: (API) async throws -> Void
    ) async throws {
        let service = try await ServiceProcess.start(name, environment: environment.merging(settings) { $1 })
        let api = API(baseURL: service.baseURL)
        var failure: (any Error)?
        do { try await body(api) } catch { failure = error }
        api.close()
        await service.kill9()
        if let failure { throw failure }
    }

    /// Starts one more service on the same stores, or one again on the port that it had. The test ends it.
    func launch(_ name: String, port: UInt16? = nil) async throws -> ServiceProcess {
        try await ServiceProcess.start(name, environment: environment, port: port)
    }

    // MARK: - What tests need often

    /// Creates an external workspace.
    ///
    /// - Parameter fields: beside or in place of its name and `external`.
    func create(_ fields: [String: JSONValue] = [:]) async throws -> (id: String, token: String) {
        var body: [String: JSONValue] = ["name": "workspace", "external": true]
        body.merge(fields) { $1 }
        let response = try await api.call(.post, "/workspaces", body: .object(body))
        guard response.status == 201, let id = response.json["id"]?.string else {
            throw TimedOut("create: \(response.status) \(response.text)")
        }
        return (id, response.json["connection"]?["auth_token"]?.string ?? "")
    }

    /// The types of a workspace's durable events, in order.
    func events(of workspace: String) async throws -> [String] {
        try await sql("SELECT type FROM structure_events WHERE workspace_id = $1::uuid ORDER BY sequence", [workspace])
            .map { $0.string(0) }
    }

    /// Marks a workspace removed and revokes its tokens, as its deletion does.
    func remove(_ workspace: String) async throws {
        try await sql("UPDATE workspaces SET status = 'removed' WHERE id = $1::uuid", [workspace])
        try await sql("UPDATE workspace_auth_tokens SET revoked_at = now() WHERE workspace_id = $1::uuid", [workspace])
    }

    /// Runs a statement of the test's own.
    @discardableResult
    func sql(_ text: String, _ parameters: [any PostgresEncodable] = []) async throws -> PostgresRows {
        try await postgres.query(Statement("", text), parameters)
    }
}
