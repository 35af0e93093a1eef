import Observability
import Redis
import Testing
import TestSupport

@Suite("Loss of Redis", .serialized)
struct FaultTests {
    enum Fault: CaseIterable { case killed, restarted }

    @Test("acknowledged writes survive, every call returns, and the connection comes back", arguments: Fault.allCases)
    func connectionLoss(_ fault: Fault) async throws {
        let server = try await RedisServer.start(persistent: true)
        let (acknowledged, failed, isOver) = (Texts(), Texts(), Flag())
        try await withRedis(server.url) { redis in
            let callers = (0..<20).map { caller in
                Task {
                    var number = 0
                    while !isOver.isSet {
                        number += 1
                        let id = "\(caller)-\(number)"
                        do throws(RedisError) {
                            try await redis.send(["SADD", "ids", .text(id)])
                            acknowledged.insert(id)
                        } catch {
                            failed.insert(error.code.rawValue)
                            await Task.yield()
                        }
                    }
                }
            }
            for _ in 1...3 {
                let before = acknowledged.all.count
                try await eventually("replies") { acknowledged.all.count > before + 200 }
                if fault == .killed { await server.kill() } else { await server.stop() }
                try await eventually("the loss to be noticed") { !redis.isReady }
                try await server.start()
                try await eventually("the connection") { redis.isReady }
            }
            isOver.set()
            for caller in callers { await caller.value }
            let kept = try await redis.send(["SMEMBERS", "ids"], deadline: .seconds(10)).array ?? []
            let missing = acknowledged.all.subtracting(kept.compactMap(\.text))
            #expect(missing.isEmpty)
        }
        let codes = failed.all
        #expect(codes.isSubset(of: ["unavailable", "connection_lost"]) && codes.contains("unavailable"))
        await server.kill()
    }

    @Test("a Redis that stands still: deadlines hold, the connection is closed, and made again when it goes on")
    func paused() async throws {
        let server = try await RedisServer.start()
        let metrics = MetricsRegistry()
        try await withRedis(server.url, metrics: metrics) {
            $0.hangTimeout = .seconds(2)
            $0.connectTimeout = .seconds(2)
        } _: { redis in
            try await redis.expect("SET", "key", "1", gives: .ok)
            server.pause()
            let error = await failure { () async throws(RedisError) in
                _ = try await redis.send(["GET", "key"], deadline: .milliseconds(100))
            }
            #expect(error?.code == .deadline)
            try await eventually("the connections to be given up") {
                // Both loops' connections notice only when something is due on them.
                for _ in 0..<4 { redis.fireAndForget(["PING"]) }
                return !redis.isReady
            }
            let refused = await failure { () async throws(RedisError) in _ = try await redis.send(["GET", "key"]) }
            #expect(refused?.code == .unavailable)
            server.resume()
            try await eventually("the connection") { redis.isReady }
            try await eventually("the value") { (try? await redis.ask("GET", "key")) == .string([49]) }
        }
        await server.kill()
    }

    @Test("commands that wait are bounded")
    func bounded() async throws {
        let server = try await RedisServer.start()
        try await withRedis(server.url) {
            $0.maxPending = 10
        } _: { redis in
            server.pause()
            let error = await failure { () async throws(RedisError) in
                _ = try await redis.send(pipeline: (0..<11).map { _ in ["PING"] }, deadline: .seconds(20))
            }
            #expect(error?.code == .overloaded)
            server.resume()
            try await eventually("room") { (try? await redis.ask("PING")) != nil }
        }
        await server.kill()
    }

    @Test("without a server commands fail at once")
    func noServer() async throws {
        try await withRedis("redis://127.0.0.1:1/0", waitsUntilReady: false) { redis in
            let error = await failure { () async throws(RedisError) in _ = try await redis.send(["PING"]) }
            #expect(error?.code == .unavailable)
            redis.fireAndForget(["PING"])
            #expect(!redis.isReady)
        }
    }

    @Test("stopping fails commands that wait for replies")
    func stop() async throws {
        let server = try await RedisServer.start()
        let waiting = try await withRedis(server.url) { redis in
            server.pause()
            let sent = Texts()
            let tasks = (0..<10).map { number in
                Task {
                    sent.insert("\(number)")
                    return await failure { () async throws(RedisError) in
                        _ = try await redis.send(["PING"], deadline: .seconds(60))
                    }
                }
            }
            try await eventually("the calls") { sent.all.count == 10 }
            return tasks
        }
        for task in waiting {
            let code = await task.value?.code
            #expect(code == .connectionLost || code == .unavailable)
        }
        await server.kill()
    }
}
