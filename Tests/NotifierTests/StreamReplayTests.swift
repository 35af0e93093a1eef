import Authentication
import Crypto
import EventLoop
import Foundation
import HTTPClient
import HTTPCore
import HTTPServer
import Observability
import PostgresClient
import RedisClient
import TestSupport
import Testing

@testable import Notifier

@Suite("Replays and their tokens")
struct ReplayRevocationTests {
    private static let add = Statement(
        "test_add_token",
        """
        WITH w AS (INSERT INTO workspaces (id, name, status) VALUES ($1, 'w', 'online') RETURNING id)
        INSERT INTO workspace_auth_tokens (workspace_id, token_hash, prefix) SELECT id, $2, 'prefix00' FROM w
        """)
    private static let fill = Statement(
        "test_fill",
        """
        INSERT INTO structure_events (type, workspace_id, source, data)
        SELECT 'workspace.online', $1, 'test', json_build_object('text', repeat('x', $2)) FROM generate_series(1, $3::int)
        """)
    private static let revoke = Statement(
        "test_revoke", "UPDATE workspace_auth_tokens SET revoked_at = now() WHERE workspace_id = $1")

    /// Far more than what the system holds for a client that does not read.
    private static let log = (events: 400, bytes: 100_000)

    @Test("A replay ends in the midst of what is left when its token is revoked")
    func revoked() async throws {
        try await withMigratedPool("notifier") { pool in
            let (workspace, bearer) = (UUID(), "bearer of \(UUID())")
            _ = try await pool.query(Self.add, [workspace, Bytea(sha256(bearer))])
            _ = try await pool.query(Self.fill, [workspace, Self.log.bytes, Self.log.events])
            let group = EventLoopGroup(count: 1)
            defer { group.shutdown() }
            let metrics = MetricsRegistry(includesProcess: false)
            let redis = try RedisClient(
                url: try await SharedServers.redis().url, group: group, logger: .disabled, metrics: metrics)
            let authenticator = Authenticator(
                adminToken: "admin", isDevelopment: false,
                audit: AuditLog(postgres: pool, service: "test", loops: group, logger: .disabled), postgres: pool,
                loops: group,
                signsOfLife: SignsOfLife(postgres: pool, redis: redis, logger: .disabled), logger: .disabled)
            let memory = StreamMemory(limit: 1 << 20)
            let replay = StreamReplay(
                log: EventLog(postgres: pool), hub: EventHub(loops: group.loops, memory: memory, metrics: metrics),
                positions: TreePositionCache(postgres: pool), events: memory)
            var router = Router()
            router.on(.get, "/") { request in
                try await authenticator.workspace(workspace, request)
                return .stream(contentType: "text/event-stream") { writer in
                    var token = TokenCheck(request, authenticator, every: .zero)
                    let events = ServerSentEventWriter(writer: writer)
                    let viewer = Viewer(
                        filter: StreamFilter(workspace: workspace), writer: events, on: request.loop, in: memory)
                    let isAttached = try await replay.attach(viewer, from: .after(.start), request, events, &token)
                    #expect(!isAttached)
                }
            }
            let server = HTTPServer(group: group, router: router)
            let url = try #require(ClientURL("http://127.0.0.1:\(try await server.start())/"))
            let response = try await HTTPClient(group: group).send(
                ClientRequest(.get, url, headers: ["Authorization": "Bearer \(bearer)"]))
            guard case .stream(let source) = response.body else {
                Issue.record("not a stream: \(response.status)")
                return
            }
            var received = try await source.next()?.count ?? 0
            _ = try await pool.query(Self.revoke, [workspace])
            authenticator.forgetTokens(of: workspace)
            let all = Self.log.events * Self.log.bytes
            while received < all, let chunk = try await source.next() { received += chunk.count }
            #expect(received > 0 && received < all)
            source.cancel()
            await server.drain(within: .seconds(1))
        }
    }
}
