import Authentication
import Concurrency
import Foundation
import HTTPCore
import Postgres
import Testing
import TestSupport
import UVHTTPServer

@testable import Registry

@Suite("Registrations in Postgres")
struct RegistrationStoreTests {
    private static let lock = Statement("test_lock", "SELECT FROM workspaces WHERE id = $1 FOR UPDATE")
    private static let touch = Statement(
        "test_touch", "UPDATE workspace_vitals SET last_seen_at = now() WHERE workspace_id = $1")

    private func register(_ id: UUID, _ pool: PostgresPool, hasToken: Bool) async throws -> Registration {
        try await RegistrationStore(postgres: pool, source: "switchyard/test").register(
            id, url: "http://localhost:9000", card: Array(#"{"name":"\#(UUID())"}"#.utf8),
            by: Registrant(
                identity: .workspace(id), hasToken: hasToken, workspaceExisted: hasToken, mayCreate: !hasToken),
            traceparent: nil)
    }

    @Test("One that meets another change crosswise comes again, and issues one token")
    func crossing() async throws {
        try await withMigratedPool("registry") { pool in
            let id = UUID()
            #expect(try await register(id, pool, hasToken: false).token != nil)
            let again = try await DeadlockPeer.with(pool, first: Call(Self.lock, [id]), second: Call(Self.touch, [id]))
            {
                try await register(id, pool, hasToken: true)
            }
            #expect(again.token == nil && again.event != nil)
        }
    }

    private static let waiting = Statement(
        "test_waiting",
        "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database())")
    private static let count = Statement("test_count", "SELECT count(*) FROM workspaces WHERE id = $1")
    private static let purge = Statement("test_purge", "DELETE FROM workspaces WHERE id = $1")

    @Test(
        "One that waits while its workspace is purged does not bring it back",
        arguments: [Identity.admin, .workspace(UUID())])
    func purged(_ identity: Identity) async throws {
        try await withMigratedPool("registry") { pool in
            let id = if case .workspace(let id) = identity { id } else { UUID() }
            _ = try await register(id, pool, hasToken: false)
            let store = RegistrationStore(postgres: pool, source: "switchyard/test")
            // What a registry in development gave to both: an operator may create, as may a caller that knows the id.
            let registrant = Registrant(identity: identity, hasToken: true, workspaceExisted: false, mayCreate: true)
            let locked = Gate()
            async let purge: Void = pool.transaction(deadline: .seconds(60)) { transaction in
                defer { locked.open() }
                _ = try await transaction.query(Self.touch, [id])
                _ = try await transaction.query(Self.purge, [id])
                locked.open()
                try await eventually("the registration to wait") {
                    try await pool.query(Self.waiting)[0].bool(0)
                }
            }
            await locked.wait()
            do {
                _ = try await store.register(
                    id, url: "http://localhost:9000", card: Array("{}".utf8), by: registrant, traceparent: nil)
                Issue.record("registered")
            } catch let error as APIError {
                #expect(error.status == .gone)
            }
            try await purge
            #expect(try await pool.query(Self.count, [id])[0].int(0) == 0)
            // So may a later caller that knew the workspace.
            let late = Registrant(identity: identity, hasToken: true, workspaceExisted: true, mayCreate: true)
            do {
                _ = try await store.register(
                    id, url: "http://localhost:9000", card: Array("{}".utf8), by: late, traceparent: nil)
                Issue.record("registered")
            } catch let error as APIError {
                #expect(error.status == .gone)
            }
        }
    }
}
