import Foundation
import HTTPCore
import JSONBytes
import Observability
import Synchronization
import TestSupport
import UVHTTPClient
import UVLoop

/// A whole platform of real processes: three stores, the five services, the gateway, all of this test's own.
final class Platform: Sendable {
    static let adminToken = "admin-token-of-this-test"
    private static let serviceNames = ["registry", "a2a-proxy", "scheduler", "notifier", "sweeper"]

    let postgres: PostgresServer
    let rabbit: RabbitServer
    let redis: RedisServer
    /// The connection string of this platform's database.
    let databaseURL: String
    let gatewayPort: UInt16
    let api: API
    private let overrides: [String: String]
    private let running = Mutex<[String: [ServiceProcess]]>([:])
    private let gateway = Mutex<Leash?>(nil)

    private init(
        _ postgres: PostgresServer, _ rabbit: RabbitServer, _ redis: RedisServer, _ overrides: [String: String]
    ) async throws {
        self.postgres = postgres
        self.rabbit = rabbit
        self.redis = redis
        self.overrides = overrides
        databaseURL = try await postgres.makeDatabase("platform")
        gatewayPort = try Ports.free()
        api = API(baseURL: "http://127.0.0.1:\(gatewayPort)")
    }

    /// The database's name, for queries by tests.
    var databaseName: String { String(databaseURL.split(separator: "/").last ?? "") }

    var url: String { "http://127.0.0.1:\(gatewayPort)" }

    /// Queries its database, or changes it unknown to the services; returns unaligned rows.
    @discardableResult
    func sql(_ statement: String) async throws -> String {
        try await postgres.sql(statement, database: databaseName).trimmingCharacters(in: .newlines)
    }

    /// Starts everything and waits until every service is ready.
    ///
    /// - Parameters:
    ///   - scale: instances of services that shall have more than one.
    ///   - environment: settings beside those of the harness.
    ///   - fsync: whether Postgres survives a kill with all that it committed, as in production.
    static func start(
        scale: [String: Int] = [:], environment: [String: String] = [:], fsync: Bool = false
    ) async throws -> Platform {
        async let postgres = PostgresServer.start(fsync: fsync)
        async let rabbit = RabbitServer.start()
        async let redis = RedisServer.start()
        let platform = try await Platform(postgres, rabbit, redis, environment)
        try await Leash.run(
            [try ServiceProcess.executable("migrate"), "up"],
            environment: ["DATABASE_URL": platform.databaseURL, "MIGRATIONS_DIR": Repository.path("Migrations")])
        try await withThrowingTaskGroup(of: Void.self) { group in
            for name in serviceNames {
                for _ in 0..<(scale[name] ?? 1) { group.addTask { try await platform.startService(name) } }
            }
            try await group.waitForAll()
        }
        try await platform.startGateway()
        return platform
    }

    /// Ends everything, in reverse.
    func stop() async {
        await gateway.withLock { $0 }?.terminate()
        for services in running.withLock({ Array($0.values) }) {
            for service in services { await service.kill9() }
        }
        await rabbit.kill()
        await redis.kill()
        await postgres.kill()
        api.close()
    }

    // MARK: - Services

    /// The instances of a service, in the order of their starting.
    func instances(_ name: String) -> [ServiceProcess] { running.withLock { $0[name] ?? [] } }

    /// Waits until every instance of every service says that it is ready.
    func waitUntilReady() async throws {
        for service in Self.serviceNames.flatMap(instances) { try await service.waitUntilReady(within: .seconds(40)) }
    }

    /// Starts one more instance, or one again on the port that it had.
    @discardableResult
    func startService(_ name: String, port: UInt16? = nil) async throws -> ServiceProcess {
        let service = try await ServiceProcess.start(
            name,
            environment: [
                "DATABASE_URL": databaseURL, "AMQP_URL": rabbit.url, "REDIS_URL": redis.url,
                "ADMIN_TOKEN": Self.adminToken, "MOLECULE_ENV": "development", "RATE_LIMIT": "0", "EVENT_LOOPS": "2",
                "LOG_LEVEL": "info",
            ].merging(overrides) { $1 }, port: port)
        running.withLock { running in
            running[name, default: []].removeAll { $0.port == service.port }
            running[name, default: []].append(service)
        }
        return service
    }

    /// Kills an instance and starts it again where its clients expect it.
    func restart(_ service: ServiceProcess) async throws {
        await service.kill9()
        try await startService(service.name, port: service.port)
    }

    // MARK: - Gateway

    private func startGateway() async throws {
        let ports = Self.serviceNames.map { name in (name, instances(name).map(\.port)) }
        let leash = try await Gateway.start(port: gatewayPort, services: ports)
        gateway.withLock { $0 = leash }
        try await eventually("the gateway to respond", detail: { leash.outputTail }) {
            [gatewayPort] in try await onThread { PlainSocket.status(port: gatewayPort, path: "/health") == 200 }
        }
    }
}

/// Where this package's files are.
enum Repository {
    static func path(_ name: String) -> String {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent(name).path
    }
}
