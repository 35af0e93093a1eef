import A2AProxy
import ActivityFeed
import AMQP
import Authentication
import EventOutbox
import Foundation
import HTTPCore
import Lifecycle
import Observability
import Postgres
import Redis
import TestSupport
import UVHTTPClient
import UVHTTPServer
import UVLoop

/// The parts of one proxy that deliver messages, on a database that a test may stop. Nothing is published: events stay
/// in their table.
struct ProxyFixture: Sendable {
    let postgres: PostgresPool
    let queue: QueueStore
    let contexts: QueuedContextIndex
    let relay: EventRelay
    let metrics: ProxyMetrics
    let liveness: LivenessReader
    let agents: AgentClient
    let budget: ResponseMemoryBudget
    let calls: CallsInFlight
    let forwarder: Forwarder
    let deliverer: QueueDeliverer
    let drain: Drain
    let service: DrainService

    /// Runs a test with a proxy.
    static func with(
        _ databaseURL: String, _ settings: A2AProxySettings = A2AProxySettings(),
        _ body: (ProxyFixture) async throws -> Void
    ) async throws {
        let pool = PostgresPool(url: databaseURL, group: QueueFixture.loops, configuration: .unhurried)
        let result: Result<Void, any Error>
        do {
            let redis = try await SharedServers.redis().url
            result = .success(try await body(try ProxyFixture(pool, redis: redis, settings)))
        } catch {
            result = .failure(error)
        }
        await pool.close()
        try result.get()
    }

    private init(_ pool: PostgresPool, redis redisURL: String, _ settings: A2AProxySettings) throws {
        let (loops, logger, registry) = (QueueFixture.loops, Logger.disabled, MetricsRegistry(includesProcess: false))
        postgres = pool
        queue = QueueStore(postgres: pool, source: "switchyard/a2a-proxy")
        metrics = ProxyMetrics(registry)
        let redis = try RedisClient(url: redisURL, group: loops, logger: logger, metrics: registry)
        let publisher = try AMQPPublisher(
            urls: "amqp://127.0.0.1:1", topology: AMQPTopology(), logger: logger, metrics: registry)
        relay = EventRelay(postgres: pool, publisher: publisher, logger: logger, metrics: registry)
        let broadcast = EventBroadcast(publisher: publisher, service: "a2a-proxy")
        contexts = QueuedContextIndex(store: queue, broadcast: broadcast)
        let targets = TargetStore(postgres: pool)
        liveness = LivenessReader(
            tracker: LivenessTracker(postgres: pool, redis: redis, logger: logger), redis: redis, store: targets)
        budget = ResponseMemoryBudget(bytes: settings.responseBudget)
        calls = CallsInFlight(
            callLimit: settings.callLimit, byteLimit: settings.callBytes, gauge: metrics.callsInFlight)
        agents = AgentClient(
            client: HTTPClient(group: loops), liveness: liveness, settings: settings, budget: budget, metrics: metrics)
        let writer = ActivityWriter(
            store: ActivityLogStore(postgres: pool), broadcast: broadcast, loops: loops, metrics: metrics,
            logger: logger)
        let router = MessageRouter(targets: TargetCache(store: targets))
        let recorder = CallRecorder(activity: .off, writer: writer, targets: targets, broadcast: broadcast)
        let waker = WorkspaceWaker(
            lifecycle: LifecycleStore(postgres: pool, source: "switchyard/a2a-proxy"), relay: relay, targets: targets)
        forwarder = Forwarder(
            router: router, agents: agents, enqueuer: Enqueuer(store: queue, relay: relay, metrics: metrics),
            contexts: contexts, recorder: recorder, waker: waker, calls: calls, settings: settings, metrics: metrics,
            logger: logger)
        deliverer = QueueDeliverer(
            router: router, agents: agents,
            finisher: OutcomeWriter(store: queue, relay: relay, loops: loops, logger: logger), recorder: recorder,
            waker: waker, calls: calls, settings: settings, metrics: metrics, logger: logger)
        drain = Drain(
            store: queue, deliverer: deliverer, relay: relay, loops: loops, instance: "one", settings: settings,
            metrics: metrics, logger: logger)
        service = DrainService(
            drain: drain, deliverer: deliverer, store: queue, contexts: contexts, writer: writer, recorder: recorder,
            calls: calls, waker: waker, loops: loops, instance: "one", settings: settings, metrics: metrics,
            logger: logger)
    }

    private static let make = Statement(
        "test_make_place",
        """
        WITH made AS (
          INSERT INTO workspaces (id, name, status, url) VALUES ($1, 'test', 'online', $2) RETURNING id)
        INSERT INTO workspace_vitals (workspace_id, last_heartbeat_at) SELECT id, now() - interval '1 hour' FROM made
        """)

    /// A workspace whose agent is at `url`, and which was silent for an hour.
    func workspace(at url: String) async throws -> UUID {
        let id = UUID()
        _ = try await postgres.query(Self.make, [id, url])
        return id
    }

    private static let fill = Statement(
        "test_fill_place", "INSERT INTO a2a_queue (workspace_id, body) VALUES ($1, '{}') RETURNING id")

    /// An item that waits for nothing but capacity.
    func item(for workspace: UUID) async throws -> UUID {
        try await postgres.query(Self.fill, [workspace])[0].uuid(0)
    }
}

extension ProxyFixture {
    /// Sends a message as the console does.
    ///
    /// - Parameter size: bytes of text in it.
    func send(_ method: String = "message/send", to workspace: UUID, size: Int = 1) async throws -> Response {
        let text = String(repeating: "x", count: size)
        let body =
            #"{"jsonrpc":"2.0","id":1,"method":"\#(method)","params":{"message":{"parts":[{"text":"\#(text)"}]}}}"#
        let request = Request(
            method: .post, target: "/", body: .bytes(Array(body.utf8)), loop: QueueFixture.loops.any())
        return try await forwarder.forward(request, from: .console(.admin), to: workspace)
    }
}

/// An agent in this process.
struct LocalAgent: Sendable {
    let url: String
    private let group: EventLoopGroup
    private let server: HTTPServer

    /// Runs a test with an agent that responds as `handler` does.
    static func with(
        _ handler: @escaping @Sendable () async -> Response, _ body: (LocalAgent) async throws -> Void
    ) async throws {
        try await with(requests: { _ in await handler() }, body)
    }

    /// As the other, for responses that depend on the request.
    static func with(
        requests handler: @escaping @Sendable (Request) async -> Response, _ body: (LocalAgent) async throws -> Void
    ) async throws {
        let group = EventLoopGroup(count: 1)
        var router = Router()
        router.on(.post, "/") { await handler($0) }
        let server = HTTPServer(group: group, router: router)
        let port = try await server.start()
        let agent = LocalAgent(url: "http://127.0.0.1:\(port)/", group: group, server: server)
        let result: Result<Void, any Error>
        do { result = .success(try await body(agent)) } catch { result = .failure(error) }
        await server.drain(within: .seconds(1))
        group.shutdown()
        try result.get()
    }
}
