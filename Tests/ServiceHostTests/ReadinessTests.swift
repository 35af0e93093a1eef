import Contracts
import EventOutbox
import Foundation
import HTTPCore
import Postgres
import ServiceLifecycle
import Synchronization
import Testing
import TestSupport

@testable import ServiceHost

/// `/health`, `/ready` and `/metrics`, and what an instance says of itself in the database.
@Suite(.serialized, .timeLimit(.minutes(5))) struct ReadinessTests {
    private static let ready =
        #"{"status":"ready","dependencies":{"postgres":"up","rabbitmq":"up","redis":"up"}}"#
    private static let withoutRedis =
        #"{"status":"waiting","dependencies":{"postgres":"up","rabbitmq":"up","redis":"down"}}"#

    /// The response to `/ready` in the end, and whatever came instead when it did not come.
    private func expectReady(_ host: HostFixture, _ status: Int, _ text: String) async throws {
        var last = ""
        try await eventually("\(text)", detail: { last }) {
            let response = try await host.get("/ready")
            last = response.text
            return response.text == text && response.status.code == status
        }
    }

    @Test func namesTheDependencyThatIsMissingAndIsAliveMeanwhile() async throws {
        let redis = try await RedisServer.start()
        try await HostFixture.with(redis: redis.url) { host in
            try await expectReady(host, 200, Self.ready)
            await redis.kill()
            try await expectReady(host, 503, Self.withoutRedis)
            #expect(try await host.get("/health").text == #"{"status":"ok"}"#)
            try await redis.start()
            try await expectReady(host, 200, Self.ready)
        }
        await redis.stop()
    }

    @Test func isNotReadyFromTheBeginningOfTheShutdown() async throws {
        try await HostFixture.with { host in
            try await expectReady(host, 200, Self.ready)
            let shutdown = ShutdownSignal()
            host.readiness.begin(shutdown)
            #expect(try await host.get("/ready").status == 200)
            shutdown.give()
            let response = try await host.get("/ready")
            #expect(response.status == 503 && response.text == #"{"status":"shutting down"}"#)
            #expect(try await host.get("/health").status == 200)
        }
    }

    @Test func metricsAreWhatPrometheusReads() async throws {
        try await HostFixture.with { host in
            let response = try await host.get("/metrics")
            #expect(response.status == 200)
            #expect(response.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8")
            #expect(response.text.hasPrefix("# HELP ") && response.text.hasSuffix("\n"))
            #expect(response.text.contains("\n# TYPE process_open_fds gauge\nprocess_open_fds "))
        }
    }

    private static let instances = Statement(
        "test_instances",
        """
        SELECT address, is_ready, not_ready_since::text, dependencies->>'redis', last_seen_at::text
        FROM service_instances
        """)

    @Test func anInstanceSaysSinceWhenItIsNotReadyAndTakesItsRowBack() async throws {
        let redis = try await RedisServer.start()
        await redis.kill()
        let database = Mutex("")
        try await HostFixture.with(redis: redis.url, environment: ["LISTEN_HOST": "::1"]) { host in
            let postgres = host.stores.context.postgres
            database.withLock { $0 = host.stores.context.configuration.databaseURL }
            func row() async throws -> [String?] {
                try await postgres.query(Self.instances).first { row in
                    [row.string(0), "\(row.bool(1))", row.optionalString(2), row.optionalString(3), row.string(4)]
                } ?? []
            }
            try await expectReady(host, 503, Self.withoutRedis)
            #expect(try await row().isEmpty, "its server does not listen yet")
            host.announcer.begin(port: 8083)
            try await eventually("an announcement") { try await !row().isEmpty }
            let first = try await row()
            #expect(first[0] == "[::1]:8083" && first[1] == "false" && first[2] != nil && first[3] == "down")
            try await eventually("the next one") { try await row()[4] != first[4] }
            #expect(try await row()[2] == first[2], "it is as long as before")
            try await redis.start()
            try await eventually("it to be ready") { try await row()[1] == "true" }
            let last = try await row()
            #expect(last[2] == nil && last[3] == "up")
        }
        await redis.stop()
        let name = try #require(database.withLock { $0 }.split(separator: "/").last)
        let left = try await SharedServers.postgres().sql(
            "SELECT count(*) FROM service_instances", database: String(name))
        #expect(left == "0")
    }

    /// What a cache is told.
    private final class Heard: Sendable {
        private let state = Mutex((events: [UUID?](), gaps: 0))
        var events: [UUID?] { state.withLock { $0.events } }
        var gaps: Int { state.withLock { $0.gaps } }

        func register(in invalidation: CacheInvalidation) {
            invalidation.register(
                event: { event in self.state.withLock { $0.events.append(event.subject) } },
                gap: { self.state.withLock { $0.gaps += 1 } })
        }
    }

    @Test func revocationsReachTheCachesOfThisProcess() async throws {
        let heard = Heard()
        try await HostFixture.with(register: { heard.register(in: $0) }) { host in
            // The queue is this process's own: what was published before is missed.
            try await eventually("the queue to be there") { heard.gaps > 0 }
            let id = UUID()
            try await eventually("the publisher to be connected") {
                host.stores.context.broadcast.send(
                    .workspaceRemoved, workspace: id, data: RawJSON(unchecked: Array("{}".utf8)))
            }
            try await eventually("the event") { heard.events == [id] }
            #expect(heard.gaps == 1)
        }
    }
}
