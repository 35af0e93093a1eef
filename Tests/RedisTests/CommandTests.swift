import Foundation
import Observability
import Redis
import Testing
import TestSupport
import UVLoop

@Suite("Redis commands")
struct CommandTests {
    @Test("every kind of reply")
    func replies() async throws {
        try await withRedis(try await SharedServers.redis().url) { redis in
            let key = unique("replies")
            try await redis.expect("SET", .text(key), "1", "PX", 60_000, gives: .ok)
            try await redis.expect("INCR", .text(key), gives: .integer(2))
            try await redis.expect("GET", .text(key), gives: .string([50]))
            try await redis.expect("GET", .text(key + "?"), gives: .null)
            try await redis.expect("MGET", .text(key), .text(key + "?"), gives: .array([.string([50]), .null]))
            try await redis.expect("LRANGE", .text(key + "?"), 0, -1, gives: .array([]))
            let error = await failure { () async throws(RedisError) in try await redis.send(["LPOP", .text(key)]) }
            #expect(error?.code == .server && error?.detail.hasPrefix("WRONGTYPE") == true)
            let unknown = await failure { () async throws(RedisError) in try await redis.send(["NO-SUCH"]) }
            #expect(unknown?.code == .server)
        }
    }

    @Test("values are bytes, whatever they are", arguments: [0, 1, 100_000, 3_000_000])
    func bytes(_ count: Int) async throws {
        try await withRedis(try await SharedServers.redis().url) { redis in
            let key = unique("bytes")
            let value = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7) }
            try await redis.send(["SET", .text(key), .bytes(value), "EX", 60], deadline: .seconds(10))
            let reply = try await redis.send(["GET", .text(key)], deadline: .seconds(10))
            #expect(reply == .string(value))
        }
    }

    @Test("thousands of commands at once, each with its own reply")
    func pipelining() async throws {
        try await withRedis(try await SharedServers.redis().url) { redis in
            let key = unique("many")
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<3000 {
                    group.addTask {
                        let reply = try await redis.send(["ECHO", RedisArgument(number)], deadline: .seconds(10))
                        #expect(reply.integer == Int64(number))
                    }
                }
                try await group.waitForAll()
            }
            let replies = try await redis.send(
                pipeline: (0..<500).map { ["RPUSH", .text(key), RedisArgument($0)] } + [["GET", .text(key)]])
            #expect(replies.prefix(500).map(\.integer) == (1...500).map { Int64($0) })
            guard case .error(let text) = replies[500] else { return #expect(Bool(false), "\(replies[500])") }
            #expect(text.hasPrefix("WRONGTYPE"))
            try await redis.send(["DEL", .text(key)])
        }
    }

    @Test("fire and forget is carried out")
    func fireAndForget() async throws {
        try await withRedis(try await SharedServers.redis().url) { redis in
            let key = unique("forget")
            redis.fireAndForget(["SET", .text(key), "x", "EX", "60"])
            try await eventually("the value") { try await redis.ask("GET", .text(key)).text == "x" }
        }
    }

    @Test("the database of the URL is selected")
    func database() async throws {
        let server = try await SharedServers.redis()
        let key = unique("database")
        try await withRedis("redis://127.0.0.1:\(server.port)/3") { redis in
            try await redis.expect("SET", .text(key), "three", "EX", 60, gives: .ok)
        }
        #expect(try await server.command("-n", "3", "get", key) == "three")
        #expect(try await server.command("-n", "0", "get", key) == "")
    }

    @Test("a name is resolved, and a password given")
    func password() async throws {
        let server = try await RedisServer.start()
        try await server.command("config", "set", "requirepass", "sec:ret")
        try await withRedis("redis://:sec%3Aret@localhost:\(server.port)") { redis in
            try await redis.expect("PING", gives: .string(Array("PONG".utf8)))
        }
        try await withRedis("redis://:wrong@127.0.0.1:\(server.port)", waitsUntilReady: false) { redis in
            let error = await failure { () async throws(RedisError) in try await redis.send(["PING"]) }
            #expect(error?.code == .unavailable)
            #expect(!redis.isReady)
        }
        await server.kill()
    }

    @Test("bad URLs are refused without repeating the password", arguments: ["", "http://x", "redis://:secret@x/y"])
    func badURL(_ url: String) {
        let group = EventLoopGroup(count: 1)
        defer { group.shutdown() }
        #expect {
            try RedisClient(url: url, group: group, logger: .disabled, metrics: MetricsRegistry())
        } throws: { error in
            (error as? RedisError)?.code == .invalid && !"\(error)".contains("secret")
        }
    }
}
