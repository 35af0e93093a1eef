import Crypto
import Foundation
import HTTPCore
import Observability
import Postgres
import Redis
import Testing
import TestSupport
import UVLoop

@testable import Authentication
@testable import UVHTTPServer

@Suite("Who a request comes from")
struct AuthenticatorTests {
    private static let add = Statement(
        "test_add",
        """
        WITH w AS (INSERT INTO workspaces (id, name, status) VALUES ($1, 'w', 'online') RETURNING id)
        INSERT INTO workspace_auth_tokens (workspace_id, token_hash, prefix) SELECT id, $2, 'prefix00' FROM w
        """)

    /// Runs a test with an authenticator on a database, or on one that does not respond.
    private func with(
        _ url: String, isDevelopment: Bool = false, configuration: PostgresConfiguration = .unhurried,
        _ body: (Authenticator, PostgresPool, EventLoop, MetricsRegistry) async throws -> Void
    ) async throws {
        let group = EventLoopGroup(count: 1)
        defer { group.shutdown() }
        let metrics = MetricsRegistry(includesProcess: false)
        let pool = PostgresPool(url: url, group: group, configuration: configuration, metrics: metrics)
        let redis = try RedisClient(
            url: try await SharedServers.redis().url, group: group, logger: .disabled, metrics: metrics)
        let signs = LivenessTracker(postgres: pool, redis: redis, logger: .disabled)
        let authenticator = Authenticator(
            adminToken: "admin", isDevelopment: isDevelopment,
            audit: AuditLog(postgres: pool, service: "test", loops: group, logger: .disabled), postgres: pool,
            loops: group, livenessTracker: signs,
            logger: .disabled)
        var failure: (any Error)?
        do { try await body(authenticator, pool, group.loops[0], metrics) } catch { failure = error }
        await pool.close()
        if let failure { throw failure }
    }

    /// No server listens there, which is noticed after the time that a service waits for it.
    private func withoutDatabase(
        _ body: (Authenticator, PostgresPool, EventLoop, MetricsRegistry) async throws -> Void
    ) async throws {
        let url = "postgres://nobody@127.0.0.1:\(try Ports.free())/none"
        try await with(url, configuration: PostgresConfiguration(), body)
    }

    private func request(_ bearer: String, _ loop: EventLoop) -> Request {
        Request(method: .get, target: "/", headers: ["Authorization": "Bearer \(bearer)"], loop: loop)
    }

    @Test("Many requests whose tokens must be looked up share a few statements, and each gets its own result")
    func batches() async throws {
        try await with(try await SharedServers.postgres().makeMigratedDatabase("auth")) {
            authenticator, pool, loop, metrics in
            let workspaces = (0..<300).map { _ in UUID() }
            for id in workspaces { _ = try await pool.query(Self.add, [id, Bytea(sha256(id.uuidString))]) }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for id in workspaces {
                    group.addTask {
                        let identity = try await authenticator.workspace(id, request(id.uuidString, loop))
                        #expect(identity == .workspace(id))
                        await #expect(throws: APIError.self) {
                            try await authenticator.workspace(id, request("not \(id)", loop))
                        }
                    }
                }
                try await group.waitForAll()
            }
            let exposition = String(decoding: metrics.exposition(), as: UTF8.self)
            let line = exposition.split(separator: "\n").first {
                $0.hasPrefix(#"postgres_query_seconds_count{statement="token_find"}"#)
            }
            let count = try #require(line?.split(separator: " ").last.flatMap { Int($0) })
            #expect(count < 100, "600 look-ups in \(count) statements")
        }
    }

    private static let addBare = Statement(
        "test_add_bare", "INSERT INTO workspaces (id, name, status) VALUES ($1, 'w', 'online')")

    private func bare(_ loop: EventLoop, caller: UUID? = nil) -> Request {
        var headers: HTTPHeaders = [:]
        if let caller { headers.add("X-Workspace-ID", caller.uuidString.lowercased()) }
        return Request(method: .get, target: "/", headers: headers, loop: loop)
    }

    private func refusal(_ body: () async throws -> Void) async -> APIError? {
        do {
            try await body()
            return nil
        } catch {
            return error as? APIError
        }
    }

    @Test("Outside of development no caller is trusted without a token, whether or not there ever was one")
    func strict() async throws {
        try await with(try await SharedServers.postgres().makeMigratedDatabase("auth")) {
            authenticator, pool, loop, _ in
            let (created, unknown) = (UUID(), UUID())
            _ = try await pool.query(Self.addBare, [created])
            for id in [created, unknown] {
                let registry = await refusal { try await authenticator.registry(id, bare(loop)) }
                #expect(registry?.status == .unauthorized && registry?.message == "missing workspace auth token")
                let caller = await refusal { _ = try await authenticator.caller(bare(loop, caller: id)) }
                #expect(caller?.status == .unauthorized && caller?.message == "missing caller auth token")
                let registrant = await refusal { _ = try await authenticator.registrant(id, bare(loop)) }
                #expect(
                    registrant?.message == (id == created ? "missing workspace auth token" : "admin auth required"))
            }
        }
    }

    @Test("In development a workspace without a token is, and only for an existing one liveness is recorded")
    func lenient() async throws {
        try await with(try await SharedServers.postgres().makeMigratedDatabase("auth"), isDevelopment: true) {
            authenticator, pool, loop, _ in
            let (created, unknown) = (UUID(), UUID())
            _ = try await pool.query(Self.addBare, [created])
            for id in [created, unknown] {
                #expect(try await authenticator.registry(id, bare(loop)) == .workspace(id))
                #expect(try await authenticator.caller(bare(loop, caller: id)) == .workspace(id))
                let registrant = try await authenticator.registrant(id, bare(loop))
                #expect(registrant.workspaceExisted == (id == created) && registrant.mayCreate == (id == unknown))
            }
            #expect(authenticator.livenessTracker.age(of: created) != nil)
            #expect(authenticator.livenessTracker.age(of: unknown) == nil)
        }
    }

    /// A request with a token that its address has been charged for.
    private func charged(_ bearer: String, _ loop: EventLoop, _ limiter: RateLimiter) -> (Request, RateLimiter.Key) {
        let request = request(bearer, loop)
        let key = Array(bearer.utf8).withUnsafeBufferPointer {
            RateLimiter.Key(address: [127, 0, 0, 1], token: $0[...])
        }
        #expect(limiter.take(key, now: 0).isForToken)
        request.context.unverified = (limiter, key, 0)
        return (request, key)
    }

    @Test("An address is charged for a token that is refused, not for one that could not be looked up")
    func whoPays() async throws {
        let limiter = RateLimiter(limit: 2)
        try await withoutDatabase { authenticator, _, loop, _ in
            let (request, key) = charged("token", loop, limiter)
            await #expect(throws: (any Error).self) { try await authenticator.workspace(UUID(), request) }
            #expect(limiter.peek(key, now: 0).remaining == 2)
            #expect(request.context.rateLimit?.remaining == 2)
        }
        try await with(try await SharedServers.postgres().makeMigratedDatabase("auth")) { authenticator, _, loop, _ in
            let (request, key) = charged("token", loop, limiter)
            await #expect(throws: APIError.self) { try await authenticator.workspace(UUID(), request) }
            #expect(limiter.peek(key, now: 0).remaining == 1)
        }
    }

    @Test("Without a database only the administrator is admitted, and all others get a Retry-After")
    func failsClosed() async throws {
        try await withoutDatabase { authenticator, _, loop, _ in
            let id = UUID()
            let operatorIdentity = try await authenticator.workspace(id, request("admin", loop))
            #expect(operatorIdentity == .admin)
            do {
                _ = try await authenticator.workspace(id, request("token", loop))
                Issue.record("let in")
            } catch {
                let described = APIError(describing: error)
                #expect(described.status == .serviceUnavailable && described.code == "platform_unavailable")
            }
        }
    }
}
