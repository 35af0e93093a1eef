import Authentication
import Concurrency
import Contracts
import Crypto
import Foundation
import HTTPCore
import Observability
import Postgres
import Testing
import TestSupport
import UVHTTPServer
import UVLoop

@testable import Notifier

@Suite("Replays of the log")
struct StreamReplayTests {
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
        try await StreamFixture.with { pool, fixture in
            let (workspace, bearer) = (UUID(), "bearer of \(UUID())")
            _ = try await pool.query(Self.add, [workspace, Bytea(sha256(bearer))])
            _ = try await pool.query(Self.fill, [workspace, Self.log.bytes, Self.log.events])
            let (authenticator, replay) = (fixture.authenticator, fixture.replay())
            try await fixture.stream(bearer: bearer) { request, writer in
                try await authenticator.workspace(workspace, request)
                var token = TokenCheck(request, authenticator, every: .zero)
                let viewer = fixture.viewer(writer, StreamFilter(workspace: workspace), on: request.loop)
                let isAttached = try await replay.attach(viewer, from: .after(.start), request, writer, &token)
                #expect(!isAttached)
            } read: { source in
                var received = try await source.next()?.count ?? 0
                _ = try await pool.query(Self.revoke, [workspace])
                authenticator.invalidateTokens(of: workspace)
                let all = Self.log.events * Self.log.bytes
                while received < all, let chunk = try await source.next() { received += chunk.count }
                #expect(received > 0 && received < all)
            }
        }
    }

    @Test("A client gets keep-alives while nothing of what is read concerns it, or nothing is read yet")
    func keptAlive() async throws {
        try await StreamFixture.with { pool, fixture in
            let replay = fixture.replay(keepAlive: .milliseconds(20))
            try await fixture.stream { request, writer in
                var token = TokenCheck(request, fixture.authenticator)
                let viewer = fixture.viewer(writer, on: request.loop)
                let isAttached = try await replay.attach(viewer, from: .after(.start), request, writer, &token)
                #expect(isAttached)
                viewer.close()
            } read: { source in
                var received: [UInt8] = []
                while received.count < 3 * ": ping\n\n".utf8.count, let chunk = try await source.next() {
                    received += chunk
                }
                #expect(String(decoding: received, as: UTF8.self).hasPrefix(": ping\n\n: ping\n\n: ping\n\n"))
                await fixture.hub.publish([], upTo: .start)
                while try await source.next() != nil {}
            }
        }
    }
}
