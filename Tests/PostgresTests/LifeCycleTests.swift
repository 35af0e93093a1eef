import Foundation
import Observability
import Postgres
import Testing
import TestSupport
import UVLoop

@Suite("Metrics and the life cycle of a pool") struct LifeCycleTests {
    @Test("Calls, errors and connections are counted") func metrics() async throws {
        let url = try await SharedServers.postgres().makeDatabase("metrics")
        let registry = MetricsRegistry(includesProcess: false)
        let pool = PostgresPool(url: url, group: loops, configuration: .longDeadlines, metrics: registry)
        for _ in 0..<3 { _ = try await pool.query(Statement("counted", "SELECT 1")) }
        _ = try await postgresError { _ = try await pool.query(Statement("zero", "SELECT 1/0")) }
        let text = String(decoding: registry.exposition(), as: UTF8.self)
        #expect(text.contains(#"postgres_query_seconds_count{statement="counted"} 3"#))
        #expect(text.contains(#"postgres_errors_total{kind="server",sql_state="22012"} 1"#))
        #expect(text.contains("postgres_calls_in_flight 0"))
        await pool.close()
        #expect(String(decoding: registry.exposition(), as: UTF8.self).contains("postgres_connections 0"))
    }

    @Test("A pool that runs as a service closes when it is cancelled") func run() async throws {
        let pool = PostgresPool(
            url: try await SharedServers.postgres().url, group: loops, configuration: .longDeadlines)
        let service = Task { await pool.run() }
        _ = try await pool.query(Statement("one", "SELECT 1"))
        service.cancel()
        await service.value
        let error = try await postgresError { _ = try await pool.query(Statement("one", "SELECT 1")) }
        #expect(error.kind == .closed)
        #expect(!pool.isReady)
    }

    @Test("Closing waits for calls in flight") func closing() async throws {
        let url = try await SharedServers.postgres().makeDatabase("closing")
        let pool = PostgresPool(url: url, group: loops, configuration: .longDeadlines)
        let loop = loops.loops[0]
        let slow = Task(executorPreference: loop) {
            try await pool.query(Statement("nap", "SELECT pg_sleep(3), 7"), deadline: .seconds(30))[0].int(1)
        }
        try await eventually("the nap to begin") {
            let active =
                "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%(3), 7%' AND state = 'active' AND pid <> pg_backend_pid()"
            return try await SharedServers.postgres().sql(active) != "0"
        }
        await pool.close()
        #expect(try await slow.value == 7)
    }
}
