import Concurrency
import Contracts
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

@Suite("Following the log", .timeLimit(.minutes(5)))
struct LogFollowerTests {
    private static let add = Statement(
        "test_add_numbered",
        """
        INSERT INTO structure_events (type, workspace_id, source, data)
        SELECT $1, $2, 'test', ('{"n":' || n || '}')::json FROM generate_series($3::int, $4::int) AS n
        """)

    private func add(
        _ numbers: ClosedRange<Int>, _ type: EventType = .agentMessage, of workspace: UUID = UUID(),
        to pool: PostgresPool
    ) async throws {
        _ = try await pool.query(Self.add, [type.rawValue, workspace, numbers.lowerBound, numbers.upperBound])
    }

    /// Runs a test on the loop of the viewers, beside a follower that has begun.
    private func with(
        _ pool: PostgresPool, _ fixture: StreamFixture, _ logger: Logger = .disabled,
        _ body: @escaping @Sendable (LogFollower, OpenStreams, EventLoop) async throws -> Void
    ) async throws {
        let loop = fixture.group.loops[0]
        let streams = OpenStreams(authenticator: fixture.authenticator)
        let follower = LogFollower(
            log: fixture.log, hub: fixture.hub, positions: fixture.positions, streams: streams, loop: loop,
            logger: logger, metrics: fixture.metrics)
        let shutdown = ShutdownSignal()
        let following = Task(executorPreference: loop) { try await follower.run(until: shutdown) }
        let outcome = await Task(executorPreference: loop) {
            try await eventually("it to begin") { fixture.hub.position != nil }
            try await body(follower, streams, loop)
        }.result
        shutdown.give()
        try await following.value
        try outcome.get()
    }

    /// A client that reads all that the follower passes on.
    private func watch(
        _ fixture: StreamFixture, _ filter: StreamFilter = StreamFilter(), on loop: EventLoop
    ) -> (viewer: Viewer, writer: ScriptedWriter) {
        let writer = ScriptedWriter()
        let viewer = fixture.viewer(writer, filter, on: loop)
        writer.report(to: viewer)
        #expect(fixture.hub.attachNow(viewer))
        return (viewer, writer)
    }

    @Test("begins at its end, and passes on what comes then once and in order, however much it is")
    func inOrder() async throws {
        try await StreamFixture.with { pool, fixture in
            try await add(1...3, to: pool)
            // Transactions of other databases on the server hold it back, too.
            try await eventually("what was there") { try await fixture.log.bounds().last.sequence == 3 }
            try await with(pool, fixture) { follower, _, loop in
                let (viewer, writer) = watch(fixture, on: loop)
                try await add(4...1203, to: pool)
                for _ in 0..<5 { follower.wake() }
                try await eventually("all of it") { writer.numbers.count >= 1200 }
                try await add(1204...1204, to: pool)
                follower.wake()
                try await eventually("the last") { writer.numbers.last == 1204 }
                #expect(writer.numbers == Array(4...1204))
                fixture.hub.detach(viewer)
            }
        }
    }

    @Test("needs no signal: what the broker does not say is found a little later")
    func withoutSignal() async throws {
        try await StreamFixture.with { pool, fixture in
            try await with(pool, fixture) { _, _, loop in
                let (viewer, writer) = watch(fixture, on: loop)
                for number in 1...2 {
                    try await add(number...number, to: pool)
                    try await eventually("number \(number)") { writer.numbers == Array(1...number) }
                }
                fixture.hub.detach(viewer)
            }
        }
    }

    @Test("goes on without a gap once it can be read again, and says once that it could not")
    func unreadable() async throws {
        try await StreamFixture.with { pool, fixture in
            let lines = LogLines()
            try await with(pool, fixture, Logger(service: "test", output: lines.output)) { follower, _, loop in
                let (viewer, writer) = watch(fixture, on: loop)
                _ = try await pool.query(
                    Statement("", "ALTER TABLE structure_events RENAME transaction_id TO hidden"))
                try await add(1...2, to: pool)
                try await eventually("a warning") {
                    follower.wake()
                    return !lines.all.isEmpty
                }
                #expect(writer.numbers.isEmpty)
                _ = try await pool.query(
                    Statement("", "ALTER TABLE structure_events RENAME hidden TO transaction_id"))
                try await eventually("what was written meanwhile") { writer.numbers == [1, 2] }
                let warnings = try lines.objects()
                #expect(warnings.count == 1)
                #expect(
                    warnings.first?["msg"] as? String == "the log of events cannot be read, streams are stalled")
                fixture.hub.detach(viewer)
            }
        }
    }

    @Test("ends with the shutdown, and every stream with it")
    func shutdown() async throws {
        try await StreamFixture.with { pool, fixture in
            let loop = fixture.group.loops[0]
            let writers = (0..<3).map { _ in ScriptedWriter() }
            let viewers = writers.map { fixture.viewer($0, on: loop) }
            try await with(pool, fixture) { _, streams, loop in
                for (viewer, writer) in zip(viewers, writers) {
                    writer.report(to: viewer)
                    #expect(fixture.hub.attachNow(viewer))
                    streams.add(viewer, Request(method: .get, target: "/", loop: loop)) {}
                }
            }
            try await Task(executorPreference: loop) {
                try await eventually("the streams to end") { writers.allSatisfy(\.isFinished) }
                for viewer in viewers { fixture.hub.detach(viewer) }
            }.value
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
                try await add(1...1, .workspaceOnline, to: pool)
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
