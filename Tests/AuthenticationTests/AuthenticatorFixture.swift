import Crypto
import Foundation
import HTTPCore
import Observability
import Postgres
import Redis
import TestSupport
import UVHTTPServer
import UVLoop

@testable import Authentication

/// Authenticators on a database of the test's own.
struct AuthenticatorFixture: Sendable {
    let pool: PostgresPool
    let loops: EventLoopGroup
    private let redis: RedisClient

    static func with(_ body: (AuthenticatorFixture) async throws -> Void) async throws {
        let group = EventLoopGroup(count: 1)
        defer { group.shutdown() }
        let pool = PostgresPool(
            url: try await SharedServers.postgres().makeMigratedDatabase("auth"), group: group,
            configuration: .unhurried)
        let redis = try RedisClient(
            url: try await SharedServers.redis().url, group: group, logger: .disabled,
            metrics: MetricsRegistry(includesProcess: false))
        var failure: (any Error)?
        do {
            try await body(AuthenticatorFixture(pool: pool, loops: group, redis: redis))
        } catch { failure = error }
        await pool.close()
        if let failure { throw failure }
    }

    /// An authenticator of a process of its own.
    func make(adminToken: String? = "admin", isDevelopment: Bool = false) -> Authenticator {
        Authenticator(
            adminToken: adminToken, isDevelopment: isDevelopment,
            audit: AuditLog(postgres: pool, service: "test", loops: loops, logger: .disabled), postgres: pool,
            loops: loops,
            livenessTracker: LivenessTracker(postgres: pool, redis: redis, logger: .disabled), logger: .disabled)
    }

    func request(_ method: HTTPMethod = .get, _ headers: HTTPHeaders = [:]) -> Request {
        var headers = headers
        headers.add("Host", "fleet.example")
        return Request(method: method, target: "/", headers: headers, loop: loops.loops[0])
    }

    func request(
        _ method: HTTPMethod = .get, session: String, origin: String? = nil, bearer: String? = nil
    ) -> Request {
        let name = origin?.hasPrefix("https://") == true ? "__Host-switchyard_session" : "switchyard_session"
        var headers: HTTPHeaders = ["Cookie": "\(name)=\(session)"]
        if let origin { headers.add("Origin", origin) }
        if let bearer { headers.add("Authorization", "Bearer \(bearer)") }
        return request(method, headers)
    }

    private static let addOrg = Statement(
        "test_org",
        "INSERT INTO org_api_tokens (name, token_hash, prefix, role) VALUES ($1, $2, 'prefix00', $3) RETURNING id")

    /// An operator's token, whose text is its name.
    func addOrg(_ name: String, role: String = "operator") async throws -> UUID {
        try await pool.query(Self.addOrg, [name, Bytea(sha256(name)), role]).only { $0.uuid(0) }
    }

    private static let addSession = Statement(
        "test_session",
        """
        INSERT INTO console_sessions (session_hash, org_token_id, credential_digest, expires_at)
        VALUES ($1, $2, $3, now() + make_interval(secs => $4)) RETURNING id
        """)

    /// Stores a session as a sign-in does.
    @discardableResult
    func add(_ session: NewSession, lasting seconds: Double = 60) async throws -> UUID {
        var org: UUID?
        if case .org(let id, _) = session.holder.identity { org = id }
        return try await pool.query(
            Self.addSession, [Bytea(session.token.hash), org, session.credentialDigest.map { Bytea($0) }, seconds]
        ).only { $0.uuid(0) }
    }

    /// Signs in; the session's secret.
    func signIn(_ token: String, _ authenticator: Authenticator) async throws -> (secret: String, id: UUID) {
        let session = try await authenticator.signIn(token, request(.post))
        return (session.token.secret, try await add(session))
    }

    func run(_ sql: String, _ parameters: [any PostgresEncodable] = []) async throws {
        _ = try await pool.query(Statement("", sql), parameters)
    }

    /// Whom a guard refused, and how; nil when it let in.
    func refusal(_ body: () async throws -> Void) async -> APIError? {
        do {
            try await body()
            return nil
        } catch {
            return APIError(describing: error)
        }
    }
}
