import Authentication
import Concurrency
import Contracts
import Crypto
import Foundation
import HTTPCore
import Observability
import Postgres
import ServiceLifecycle
import Testing
import TestSupport
import UVHTTPServer
import UVLoop

@testable import Notifier

@Suite("Replays of the log, and following it")
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

    /// A place of another server's, which this one will not reach for long.
    private static let elsewhere = LogPosition(transaction: 1_900_000_000, sequence: .max)

    @Test("Streams begin anew when the log has been replaced under them, and see what is written then")
    func replaced() async throws {
        try await StreamFixture.with { pool, fixture in
            let (hub, loop) = (fixture.hub, fixture.group.loops[0])
            let streams = OpenStreams(authenticator: fixture.authenticator)
            let follower = LogFollower(
                log: fixture.log, hub: hub, positions: fixture.positions, streams: streams, loop: loop,
                logger: .disabled, metrics: fixture.metrics)
            await hub.publish([], upTo: Self.elsewhere)
            try await fixture.stream { request, writer in
                let old = ScriptedWriter()
                let viewer = fixture.viewer(old, StreamFilter(agent: UUID()), on: request.loop)
                streams.add(viewer, request) {}
                #expect(hub.attachNow(viewer))
                try await eventually("the stream to end") { old.isFinished }
                hub.detach(viewer)
                #expect(hub.position.map { $0 < Self.elsewhere } == true)
                let next = fixture.viewer(writer, on: request.loop)
                writer.report(to: next)
                #expect(hub.attachNow(next))
                _ = try await pool.query(Self.fill, [UUID(), 10, 1])
                follower.wake()
                await Cancellation.wait()
                hub.detach(next)
            } read: { source in
                let shutdown = ShutdownSignal()
                let following = Task(executorPreference: loop) { try await follower.run(until: shutdown) }
                var received: [UInt8] = []
                while let chunk = try await source.next() {
                    received += chunk
                    if String(decoding: received, as: UTF8.self).contains("WORKSPACE_ONLINE") { break }
                }
                #expect(!received.isEmpty)
                shutdown.give()
                try await following.value
            }
        }
    }
}
