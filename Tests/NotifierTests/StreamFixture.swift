import Authentication
import HTTPCore
import Observability
import Postgres
import Redis
import Testing
import TestSupport
import UVHTTPClient
import UVHTTPServer
import UVLoop

@testable import Notifier

/// What streams need, on a loop and a database of their own, with a route that a test writes to.
final class StreamFixture: Sendable {
    let group = EventLoopGroup(count: 1)
    let metrics = MetricsRegistry(includesProcess: false)
    let memory = StreamMemory(limit: 1 << 20)
    let authenticator: Authenticator
    let log: EventLog
    let hub: EventHub
    let positions: TreePositionCache

    static func with(_ body: (PostgresPool, StreamFixture) async throws -> Void) async throws {
        try await withMigratedPool("notifier") { pool in
            let fixture = try await StreamFixture(pool)
            defer { fixture.group.shutdown() }
            try await body(pool, fixture)
        }
    }

    private init(_ pool: PostgresPool) async throws {
        let redis = try RedisClient(
            url: try await SharedServers.redis().url, group: group, logger: .disabled, metrics: metrics)
        authenticator = Authenticator(
            adminToken: "admin", isDevelopment: false,
            audit: AuditLog(postgres: pool, service: "test", loops: group, logger: .disabled), postgres: pool,
            loops: group, livenessTracker: LivenessTracker(postgres: pool, redis: redis, logger: .disabled),
            logger: .disabled)
        log = EventLog(postgres: pool)
        hub = EventHub(loops: group.loops, memory: memory, metrics: metrics)
        positions = TreePositionCache(postgres: pool)
    }

    func replay(keepAlive: Duration = .seconds(15)) -> StreamReplay {
        StreamReplay(log: log, hub: hub, positions: positions, events: memory, keepAlive: keepAlive)
    }

    func viewer(_ writer: some StreamWriter, _ filter: StreamFilter = StreamFilter(), on loop: EventLoop) -> Viewer {
        Viewer(filter: filter, writer: writer, on: loop, in: memory)
    }

    /// Requests a stream that `produce` writes, and gives its body to `read`.
    func stream(
        bearer: String = "admin", _ produce: @escaping @Sendable (Request, ServerSentEventWriter) async throws -> Void,
        read: (any HTTPByteSource) async throws -> Void
    ) async throws {
        var router = Router()
        router.on(.get, "/") { request in
            .stream(contentType: "text/event-stream") { try await produce(request, ServerSentEventWriter(writer: $0)) }
        }
        let server = HTTPServer(group: group, router: router)
        let url = try #require(ClientURL("http://127.0.0.1:\(try await server.start())/"))
        let response = try await HTTPClient(group: group).send(
            ClientRequest(.get, url, headers: ["Authorization": "Bearer \(bearer)"]))
        guard case .stream(let source) = response.body else {
            Issue.record("not a stream: \(response.status)")
            return
        }
        try await read(source)
        source.cancel()
        await server.drain(within: .seconds(1))
    }
}
