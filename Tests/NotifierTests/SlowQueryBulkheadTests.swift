import Authentication
import Concurrency
import Contracts
import Foundation
import HTTPCore
import Observability
import Postgres
import Synchronization
import Testing
import TestSupport
import UVHTTPServer
import UVLoop

@testable import Notifier

@Suite("Queries that may be slow")
struct SlowQueryBulkheadTests {
    private func request(_ caller: Identity, _ loop: EventLoop) -> Request {
        let request = Request(method: .get, target: "/", loop: loop)
        request.context.identity = caller
        return request
    }

    private func status(_ caller: Identity, _ slow: SlowQueryBulkhead, _ loop: EventLoop) async throws -> HTTPStatus? {
        do {
            try await slow.run(for: request(caller, loop)) {}
            return nil
        } catch let error as APIError {
            #expect(error.retryAfter != nil)
            return error.status
        }
    }

    @Test("have connections of their own; one caller has two of them at once, and others go on")
    func bounded() async throws {
        let url = try await SharedServers.postgres().makeMigratedDatabase("slow")
        let group = EventLoopGroup(count: 1)
        defer { group.shutdown() }
        let loop = group.loops[0]
        let slow = SlowQueryBulkhead(
            databaseURL: url, applicationName: "slow-test", metrics: MetricsRegistry(includesProcess: false),
            queueTimeout: .milliseconds(20))
        let pool = PostgresPool(url: url, group: group, configuration: .unhurried)
        let (one, other, third) = (Identity.workspace(UUID()), Identity.workspace(UUID()), Identity.workspace(UUID()))
        let (started, gate) = (Started(), Gate())
        func occupy(_ caller: Identity) -> Task<Void, any Error> {
            Task {
                try await slow.run(for: request(caller, loop)) {
                    started.add()
                    await gate.wait()
                }
            }
        }
        var tasks = [occupy(one), occupy(one)]
        try await eventually("two") { started.count == 2 }
        #expect(try await status(one, slow, loop) == .tooManyRequests)
        #expect(try await status(other, slow, loop) == nil)
        tasks += [occupy(other), occupy(other)]
        try await eventually("four") { started.count == 4 }
        #expect(try await status(third, slow, loop) == .serviceUnavailable)
        // The feed of others has nothing to do with all that.
        let page = try await FeedStore(postgres: pool).list(UUID(), ActivityQuery(limit: 10))
        #expect(page.bytes == Array("[]".utf8))
        gate.open()
        for task in tasks { try await task.value }
        #expect(try await status(third, slow, loop) == nil)
        await pool.close()
        await slow.close()
    }
}

private final class Started: Sendable {
    private let number = Mutex(0)
    var count: Int { number.withLock { $0 } }
    func add() { number.withLock { $0 += 1 } }
}
