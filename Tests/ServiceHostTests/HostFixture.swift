import Configuration
import Foundation
import HTTPCore
import JSONBytes
import Observability
import Postgres
import ServiceLifecycle
import TestSupport
import UVHTTPClient
import UVHTTPServer
import UVLoop

@testable import ServiceHost

/// What every service has before its own parts are added: the stores, running, and a server with the common routes.
struct HostFixture: Sendable {
    let stores: Stores
    let readiness: ReadinessProbe
    let announcer: InstanceAnnouncer
    /// Ends the stores.
    let group: ServiceGroup
    private let client: HTTPClient
    private let port: UInt16

    /// - Parameters:
    ///   - redis: in place of the shared one.
    ///   - environment: further variables.
    ///   - register: adds caches, before anything runs.
    static func with(
        redis: String? = nil, environment: [String: String] = [:],
        register: (CacheInvalidation) -> Void = { _ in }, _ body: (HostFixture) async throws -> Void
    ) async throws {
        let variables = try await [
            "DATABASE_URL": SharedServers.postgres().makeMigratedDatabase("host"),
            "AMQP_URL": SharedServers.rabbit().makeVirtualHost("host"), "ADMIN_TOKEN": "admin", "EVENT_LOOPS": "1",
        ]
        var all = variables.merging(environment) { $1 }
        all["REDIS_URL"] = if let redis { redis } else { try await SharedServers.redis().url }
        let common = CommonConfiguration(ConfigurationReader(environment: all), service: .scheduler)
        let stores = try Stores(service: .scheduler, common, .disabled)
        defer { stores.context.loops.shutdown() }
        register(stores.context.invalidation)
        let readiness = ReadinessProbe(stores: stores)
        var router = Router()
        CommonRoutes(readiness: readiness, metrics: stores.context.metrics).add(to: &router)
        let server = HTTPServer(group: stores.context.loops, router: router)
        let announcer = InstanceAnnouncer(context: stores.context, readiness: readiness)
        let group = ServiceGroup(
            services: stores.services + [announcer], logger: .disabled, executor: stores.context.loops.loops[0],
            handlesSignals: false)
        let fixture = HostFixture(
            stores: stores, readiness: readiness, announcer: announcer, group: group,
            client: HTTPClient(group: stores.context.loops), port: try await server.start())
        async let code = group.run()
        let outcome: Result<Void, any Error>
        do { outcome = .success(try await body(fixture)) } catch { outcome = .failure(error) }
        await server.drain(within: .seconds(1))
        group.shutdownBegan.give()
        if await code != 0 { throw ProcessFailure("a store did not stop as it was requested to") }
        try outcome.get()
    }

    func get(_ path: String) async throws -> (status: HTTPStatus, headers: HTTPHeaders, text: String) {
        guard let url = ClientURL("http://127.0.0.1:\(port)\(path)") else { throw ProcessFailure("no URL: \(path)") }
        let response = try await client.send(ClientRequest(.get, url))
        return (
            response.status, response.headers,
            String(decoding: try await response.body.collect(upTo: 1 << 20), as: UTF8.self)
        )
    }
}
