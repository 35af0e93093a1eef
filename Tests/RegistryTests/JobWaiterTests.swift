import Contracts
import Foundation
import Lifecycle
import Observability
import Postgres
import Testing
import TestSupport
import UVLoop

@testable import Registry

/// Clients that wait for jobs, on a real Postgres.
@Suite("Waiting for jobs")
struct JobWaiterTests {
    private static let add = Statement(
        "test_add_job", "INSERT INTO lifecycle_jobs (id, workspace_id, kind) VALUES ($1, $2, 'stop')")
    private static let done = Statement(
        "test_done", "UPDATE lifecycle_jobs SET completed_at = now() WHERE id = ANY ($1)")
    private static let failed = Statement(
        "test_failed", "UPDATE lifecycle_jobs SET last_error = 'does not stop' WHERE id = $1")

    private static func queryCount(_ metrics: MetricsRegistry) -> Int {
        let line = String(decoding: metrics.exposition(), as: UTF8.self).split(separator: "\n").first {
            $0.hasPrefix(#"postgres_query_seconds_count{statement="lifecycle_progress"}"#)
        }
        return line?.split(separator: " ").last.flatMap { Int($0) } ?? 0
    }

    @Test("However many wait, one polls the database, and each gets the end of its own jobs")
    func many() async throws {
        let group = EventLoopGroup(count: 2)
        defer { group.shutdown() }
        let metrics = MetricsRegistry()
        let pool = PostgresPool(
            url: try await SharedServers.postgres().makeMigratedDatabase("settlement"), group: group,
            configuration: .unhurried, metrics: metrics)
        let settlement = JobWaiter(jobs: JobStore(postgres: pool, source: "switchyard/test"), loops: group)
        let jobs = (0..<50).map { _ in UUID() }
        let workspaces = jobs.map { _ in UUID() }
        for (job, workspace) in zip(jobs, workspaces) { _ = try await pool.query(Self.add, [job, workspace]) }
        let start = ContinuousClock.now
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for (index, job) in jobs.enumerated() {
                tasks.addTask {
                    let failures = try await settlement.failures(of: [job])
                    #expect(failures.map(\.workspaceID) == (index == 0 ? [workspaces[0]] : []))
                }
            }
            try await eventually("some rounds") { Self.queryCount(metrics) >= 5 }
            _ = try await pool.query(Self.failed, [jobs[0]])
            _ = try await pool.query(Self.done, [Array(jobs.dropFirst())])
            try await tasks.waitForAll()
        }
        // One each 50 ms, whatever the number of those who wait.
        let rounds = (ContinuousClock.now - start) / Duration.milliseconds(50)
        #expect(Self.queryCount(metrics) <= Int(rounds) + 2)
        let waiting = Task { try await settlement.failures(of: [jobs[0], UUID()]) }
        #expect(try await waiting.value.map(\.error) == ["does not stop"])
        await pool.close()
    }

    @Test("Who is cancelled does not wait on")
    func cancelled() async throws {
        try await withMigratedPool("settlement") { pool in
            let group = EventLoopGroup(count: 1)
            defer { group.shutdown() }
            let settlement = JobWaiter(jobs: JobStore(postgres: pool, source: "switchyard/test"), loops: group)
            let job = UUID()
            _ = try await pool.query(Self.add, [job, UUID()])
            let waiting = Task { try await settlement.failures(of: [job]) }
            waiting.cancel()
            await #expect(throws: CancellationError.self) { try await waiting.value }
            // Its loop ends with the test: no waiter may be left polling.
            _ = try await pool.query(Self.done, [[job]])
            #expect(try await settlement.failures(of: [job]).isEmpty)
        }
    }
}
