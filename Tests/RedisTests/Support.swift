import Foundation
import Observability
import Synchronization
import Testing
import TestSupport
import UVLoop

@testable import Redis

func unique(_ name: String) -> String { "\(name):\(UUID().uuidString.lowercased().prefix(8))" }

/// Runs a client on two loops while the body runs.
func withRedis<T>(
    _ url: String, metrics: MetricsRegistry = MetricsRegistry(), waitsUntilReady: Bool = true,
    configure: (inout RedisClient.Configuration) -> Void = { _ in }, _ body: (RedisClient) async throws -> T
) async throws -> T {
    let group = EventLoopGroup(count: 2)
    var configuration = RedisClient.Configuration()
    configuration.maxRetry = .milliseconds(200)
    // For tests that are not about time: the machine has other things to do.
    configuration.deadline = .seconds(20)
    configure(&configuration)
    let client = try RedisClient(
        url: url, group: group, configuration: configuration, logger: .disabled, metrics: metrics)
    let task = Task { await client.run() }
    let result: Result<T, any Error>
    do {
        if waitsUntilReady { try await eventually("a connection") { client.isReady } }
        result = .success(try await body(client))
    } catch {
        result = .failure(error)
    }
    task.cancel()
    await task.value
    try await onThread { group.shutdown() }
    return try result.get()
}

/// The error with which something failed; `nil` when it did not.
func failure(_ body: () async throws(RedisError) -> Void) async -> RedisError? {
    do throws(RedisError) {
        try await body()
        return nil
    } catch {
        return error
    }
}

extension RedisReply {
    static let ok = RedisReply.string(Array("OK".utf8))
}

extension RedisArgument {
    static func text(_ text: String) -> RedisArgument { RedisArgument(text) }
    static func bytes(_ bytes: [UInt8]) -> RedisArgument { RedisArgument(bytes: bytes) }
}

extension RedisClient {
    /// `send` without the typed error.
    func ask(_ arguments: RedisArgument...) async throws -> RedisReply { try await send(arguments) }

    /// Sends a command and checks the reply.
    func expect(
        _ arguments: RedisArgument..., gives wanted: RedisReply, at location: SourceLocation = #_sourceLocation
    ) async throws {
        let reply = try await send(arguments)
        #expect(reply == wanted, sourceLocation: location)
    }
}

/// Texts that tasks leave for the test.
final class Texts: Sendable {
    private let content = Mutex<Set<String>>([])

    func insert(_ text: String) { content.withLock { _ = $0.insert(text) } }
    var all: Set<String> { content.withLock { $0 } }
}

/// Stops tasks.
final class Flag: Sendable {
    private let content = Atomic<Bool>(false)

    var isSet: Bool { content.load(ordering: .relaxed) }
    func set() { content.store(true, ordering: .relaxed) }
}
