/// Servers that tests share because starting one takes seconds: each starts at first use and ends with the process.
///
/// A test isolates itself by a database, a virtual host or names of its own, and never stops or flushes them: who
/// needs that starts a private one.
package enum SharedServers {
    private static let postgresServer = Shared { try await PostgresServer.start() }
    private static let rabbitServer = Shared { try await RabbitServer.start() }
    private static let redisServer = Shared { try await RedisServer.start() }
    private static let podmanServer = Shared { try await PodmanServer.start() }

    /// The shared Postgres.
    package static func postgres() async throws -> PostgresServer { try await postgresServer.get() }

    /// The shared RabbitMQ.
    package static func rabbit() async throws -> RabbitServer { try await rabbitServer.get() }

    /// The shared Redis.
    package static func redis() async throws -> RedisServer { try await redisServer.get() }

    /// The shared container engine.
    package static func podman() async throws -> PodmanServer { try await podmanServer.get() }
}

/// A value made once, by its first caller; later callers wait for it.
package actor Shared<Value: Sendable> {
    private let make: @Sendable () async throws -> Value
    private var task: Task<Value, any Error>?

    package init(_ make: @escaping @Sendable () async throws -> Value) { self.make = make }

    /// The value, or the error with which making it failed.
    package func get() async throws -> Value {
        let task = self.task ?? Task { [make] in try await make() }
        self.task = task
        return try await task.value
    }
}
