import Contracts
import EventOutbox
import Foundation
import Postgres
import Testing
import TestSupport

@testable import Authentication
@testable import Notifier

@Suite("Sessions in Postgres")
struct SessionStoreTests {
    private static let live = Statement(
        "test_live",
        "SELECT count(*) FROM console_sessions WHERE revoked_at IS NULL AND org_token_id IS NOT DISTINCT FROM $1::uuid")

    private func session(_ identity: Identity = .admin) -> NewSession {
        NewSession(
            token: SessionToken.make(), holder: SignIn(identity: identity, name: nil, prefix: nil),
            credentialDigest: identity == .admin ? Array(repeating: 7, count: 32) : nil)
    }

    @Test("However many sign in at once, a credential has no more live sessions than it may; the oldest end")
    func limit() async throws {
        try await withMigratedPool("sessions") { pool in
            let store = SessionStore(postgres: pool, source: "test")
            let org = try await pool.query(
                Statement(
                    "", "INSERT INTO org_api_tokens (token_hash, prefix) VALUES (sha256('x'), 'prefix00') RETURNING id")
            ).only { $0.uuid(0) }
            _ = try await store.add(session(.org(org)))
            let ended = try await withThrowingTaskGroup(of: [UUID?].self) { group in
                for _ in 0..<20 {
                    group.addTask {
                        try await store.add(session(), limit: 5).events.map {
                            try $0.event.decodeData(as: TokenRevoked.self).tokenID
                        }
                    }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            #expect(Set(ended).count == 15)
            #expect(try await pool.query(Self.live, [UUID?.none]).only { $0.int(0) } == 5)
            #expect(try await pool.query(Self.live, [org]).only { $0.int(0) } == 1, "another's are none of its")
            let last = session()
            let (expiresAt, _) = try await store.add(last, limit: 1)
            #expect(abs(expiresAt.timeIntervalSinceNow - 12 * 3600) < 60)
            let kept = try await pool.query(
                Statement(
                    "", "SELECT session_hash FROM console_sessions WHERE revoked_at IS NULL AND org_token_id IS NULL")
            ).map { $0.bytea(0) }
            #expect(kept == [last.token.hash])
        }
    }

    @Test("A session ends once, and says so")
    func end() async throws {
        try await withMigratedPool("sessions") { pool in
            let store = SessionStore(postgres: pool, source: "test")
            let token = session()
            _ = try await store.add(token)
            let found = try await TokenStore(postgres: pool).findSessions(hashes: [token.token.hash])
            let id = try #require(found[token.token.hash]?.id)
            let event = try #require(try await store.end(id, traceparent: nil)).event
            #expect(try event.decodeData(as: TokenRevoked.self) == TokenRevoked(tokenID: id, kind: "console"))
            #expect(event.kind == .tokenRevoked)
            #expect(try await store.end(id, traceparent: nil) == nil)
            #expect(try await TokenStore(postgres: pool).findSessions(hashes: [token.token.hash]).isEmpty)
        }
    }
}
