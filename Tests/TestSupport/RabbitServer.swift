import Foundation
import Synchronization

/// A private RabbitMQ on a port of its own, with its own Erlang port mapper.
package final class RabbitServer: Sendable {
    package let port: UInt16
    private let folder: String
    private let node: String
    private let distributionPort: UInt16
    private let mapperPort: UInt16
    private let process = Mutex<Leash?>(nil)
    private let mapper = Mutex<Leash?>(nil)
    private let hosts = Atomic<Int>(0)

    /// The default virtual host.
    package var url: String { "amqp://guest:guest@127.0.0.1:\(port)/" }

    private init(folder: String) throws {
        self.folder = folder
        port = try Ports.free()
        distributionPort = try Ports.free()
        mapperPort = try Ports.free()
        node = "test\(port)@localhost"
    }

    /// Starts a broker and waits until it accepts connections.
    ///
    /// - Parameter settings: further lines for `rabbitmq.conf`.
    package static func start(settings: [String] = []) async throws -> RabbitServer {
        let server = try RabbitServer(folder: try TemporaryFolder.make("rabbit"))
        try server.writeConfiguration(settings)
        try await server.startMapper()
        try await server.start()
        return server
    }

    /// Starts it again on the same port and data.
    package func start() async throws {
        let leash = try await Leash.start(
            ["/usr/lib/rabbitmq/bin/rabbitmq-server"], environment: environment, directory: folder)
        process.withLock { $0 = leash }
        try await eventually(within: .seconds(90), "RabbitMQ to be up", detail: { leash.outputTail }) {
            guard leash.isRunning else { throw ProcessFailure("RabbitMQ ended: \(leash.outputTail)") }
            guard leash.output.contains("completed with 0 plugins") else { return false }
            return try await onThread { [port] in PlainSocket.accepts(port: port) }
        }
    }

    /// Ends the broker with SIGKILL.
    package func kill() async { await process.withLock { $0 }?.kill() }

    /// Ends the broker in an orderly way.
    package func stop() async { await process.withLock { $0 }?.terminate(within: .seconds(60)) }

    /// Puts on disk which queues there are, by an orderly restart. To be called between making quorum queues and killing
    /// the broker: RabbitMQ 3.10 writes their names some moments after it has said that they exist, and a broker that
    /// was killed in between never elects their leaders, so that nothing sent to them is ever confirmed.
    package func settleQueues() async throws {
        await stop()
        try await start()
    }

    /// Stops it responding without closing its connections, until ``resume()``.
    package func pause() { process.withLock { $0 }?.signal(SIGSTOP) }

    /// Lets it go on after ``pause()``.
    package func resume() { process.withLock { $0 }?.signal(SIGCONT) }

    /// Makes a virtual host with a unique name and returns its URL. Takes a second or two.
    package func makeVirtualHost(_ name: String = "test") async throws -> String {
        let unique = "\(name)-\(hosts.add(1, ordering: .relaxed).newValue)"
        try await control("add_vhost", unique)
        try await control("set_permissions", "-p", unique, "guest", ".*", ".*", ".*")
        return url + unique
    }

    /// Runs `rabbitmqctl` against this broker and returns its output.
    @discardableResult
    package func control(_ arguments: String...) async throws -> String {
        try await Leash.run(
            ["/usr/lib/rabbitmq/bin/rabbitmqctl", "-q", "-n", node] + arguments, environment: environment)
    }

    /// A port mapper that Erlang starts by itself would turn into a daemon and outlive the tests.
    private func startMapper() async throws {
        let leash = try await Leash.start(
            ["epmd", "-port", "\(mapperPort)", "-address", "127.0.0.1"], environment: environment)
        mapper.withLock { $0 = leash }
        try await eventually("epmd to listen", detail: { leash.outputTail }) { [mapperPort] in
            try await onThread { PlainSocket.accepts(port: mapperPort) }
        }
    }

    private var environment: [String: String] {
        [
            "HOME": folder, "LANG": "C.UTF-8", "RABBITMQ_MNESIA_BASE": "\(folder)/mnesia",
            "RABBITMQ_LOG_BASE": "\(folder)/log", "RABBITMQ_NODENAME": node, "RABBITMQ_NODE_PORT": "\(port)",
            "RABBITMQ_DIST_PORT": "\(distributionPort)", "ERL_EPMD_PORT": "\(mapperPort)",
            "ERL_EPMD_ADDRESS": "127.0.0.1", "RABBITMQ_CONFIG_FILE": "\(folder)/rabbitmq.conf",
            "RABBITMQ_ENABLED_PLUGINS_FILE": "\(folder)/enabled_plugins",
            "RABBITMQ_CONF_ENV_FILE": "\(folder)/env.conf",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            // The start script becomes the broker instead of waiting beside it, so that signals reach it.
            "RUNNING_UNDER_SYSTEMD": "true",
        ]
    }

    private func writeConfiguration(_ settings: [String]) throws {
        let lines = [
            "listeners.tcp.local = 127.0.0.1:\(port)", "disk_free_limit.absolute = 50MB",
            "vm_memory_high_watermark.absolute = 2GB", "log.console = false", "log.file.level = info",
        ]
        for (name, text) in [
            ("rabbitmq.conf", (lines + settings).joined(separator: "\n") + "\n"), ("enabled_plugins", "[].\n"),
            ("env.conf", ""),
        ] {
            try text.write(toFile: "\(folder)/\(name)", atomically: true, encoding: .utf8)
        }
    }
}
