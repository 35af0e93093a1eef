import Concurrency
import Observability
import UVLoop

/// Sends commands to one Redis, pipelined over one connection per loop.
///
/// Nothing is sent twice and nothing waits for a connection: without one, commands fail at once, since
/// nothing that is kept in Redis is indispensable. `SUBSCRIBE` and `MONITOR` are not supported.
package final class RedisClient: Sendable {
    package struct Configuration: Sendable {
        /// How long a command waits for its reply, unless it has a deadline of its own.
        package var deadline: Duration = .seconds(1)
        /// For the TCP connection, the log-in and the first reply.
        package var connectTimeout: Duration = .seconds(2)
        /// A connection with pending commands on which no reply arrives for so long is closed.
        package var hangTimeout: Duration = .seconds(3)
        /// Commands awaiting replies, per connection.
        package var maxPending = 10_000
        package var firstRetry: Duration = .milliseconds(50)
        package var maxRetry: Duration = .seconds(2)

        package init() {}
    }

    private let group: EventLoopGroup
    private let configuration: Configuration
    private let metrics: RedisMetrics
    private struct Member: Sendable {
        let connection: LoopBound<RedisConnection>
        let readiness: RedisReadiness
    }

    /// One for each loop of the group, in the same order.
    private let members: [Member]

    /// - Parameter url: `redis://[[user]:password@]host[:port][/db]`.
    /// - Throws: `.invalid` for a bad URL.
    package init(
        url: String, group: EventLoopGroup, configuration: Configuration = Configuration(), logger: Logger,
        metrics: MetricsRegistry
    ) throws(RedisError) {
        let address = try RedisAddress(url: url)
        let shared = RedisMetrics(metrics)
        self.group = group
        self.configuration = configuration
        self.metrics = shared
        members = group.loops.map { loop in
            let readiness = RedisReadiness()
            let connection = RedisConnection(
                loop: loop, address: address, configuration: configuration, logger: logger, metrics: shared,
                readiness: readiness)
            return Member(connection: LoopBound(handing: connection, to: loop), readiness: readiness)
        }
    }

    /// Keeps the connections until the task is cancelled. The loops must go on until this returns.
    package func run() async {
        let connections = members.map(\.connection)
        for connection in connections { connection.loop.execute { connection.value.start() } }
        await Cancellation.wait()
        for connection in connections {
            await withCheckedContinuation { continuation in
                connection.loop.execute {
                    connection.value.stop()
                    continuation.resume()
                }
            }
        }
    }

    /// Redis answers on at least one connection.
    package var isReady: Bool { members.contains { $0.readiness.isReady } }

    /// Sends a command and returns its reply.
    ///
    /// - Parameters:
    ///   - arguments: the command's name and what it takes: `["SET", "key", "value", "PX", 5000]`.
    ///   - deadline: instead of the configured one; kept to within 20 ms.
    /// - Throws: see `RedisError.Code`; an error reply is thrown as `.server`.
    @discardableResult
    package func send(_ arguments: [RedisArgument], deadline: Duration? = nil) async throws(RedisError) -> RedisReply {
        let reply = try await send(pipeline: [arguments], deadline: deadline)[0]
        if case .error(let text) = reply {
            metrics.failures.increment()
            throw RedisError(.server, text)
        }
        return reply
    }

    /// Sends commands as one pipeline and returns their replies in order; errors of single commands are among them.
    ///
    /// It is no transaction: commands of other clients may come between.
    /// - Throws: the first failure that is no error reply; other commands may have been executed.
    package func send(
        pipeline commands: [[RedisArgument]], deadline: Duration? = nil
    ) async throws(RedisError) -> [RedisReply] {
        guard !commands.isEmpty else { return [] }
        let encoded = commands.map { RedisProtocol.encode($0) }
        let limit = deadline ?? configuration.deadline
        let connection = pick()
        let result: Result<[RedisReply], RedisError> = await withCheckedContinuation { continuation in
            connection.loop.execute {
                let connection = connection.value
                let collector = ReplyCollector(count: encoded.count) { continuation.resume(returning: $0) }
                for (index, command) in encoded.enumerated() {
                    connection.submit(command, deadline: limit) { collector.take($0, at: index) }
                }
            }
        }
        if case .failure = result { metrics.failures.increment() }
        return try result.get()
    }

    /// Sends a command whose reply does not matter; a failure is only counted.
    package func fireAndForget(_ arguments: [RedisArgument]) {
        let encoded = RedisProtocol.encode(arguments)
        let connection = pick()
        connection.loop.execute { [configuration, metrics] in
            connection.value.submit(encoded, deadline: configuration.deadline) { result in
                switch result {
                case .success(.error), .failure: metrics.failures.increment()
                case .success: break
                }
            }
        }
    }

    /// The connection of the caller's loop, so that nothing changes threads; another one while that is not ready.
    private func pick() -> LoopBound<RedisConnection> {
        let loop = group.any()
        let own = members.first { $0.connection.loop === loop } ?? members[0]
        let picked = own.readiness.isReady ? own : members.first { $0.readiness.isReady } ?? own
        return picked.connection
    }
}

/// Collects the replies of a pipeline. Loop thread only.
private final class ReplyCollector {
    private var replies: [RedisReply]
    private var missing: Int
    private var completion: ((Result<[RedisReply], RedisError>) -> Void)?

    init(count: Int, completion: @escaping (Result<[RedisReply], RedisError>) -> Void) {
        replies = Array(repeating: .null, count: count)
        missing = count
        self.completion = completion
    }

    func take(_ result: Result<RedisReply, RedisError>, at index: Int) {
        switch result {
        case .success(let reply):
            replies[index] = reply
            missing -= 1
            if missing == 0 { end(.success(replies)) }
        case .failure(let error): end(.failure(error))
        }
    }

    private func end(_ result: Result<[RedisReply], RedisError>) {
        completion?(result)
        completion = nil
    }
}
