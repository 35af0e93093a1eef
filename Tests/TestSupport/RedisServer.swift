import Foundation
import Synchronization

/// A private Redis on a port of its own.
package final class RedisServer: Sendable {
    package let port: UInt16
    private let folder: String
    private let persistent: Bool
    private let process = Mutex<Leash?>(nil)

    /// `redis://127.0.0.1:<port>/0`
    package var url: String { "redis://127.0.0.1:\(port)/0" }

    private init(port: UInt16, folder: String, persistent: Bool) {
        self.port = port
        self.folder = folder
        self.persistent = persistent
    }

    /// Starts a server and waits until it responds.
    ///
    /// - Parameter persistent: keep an append-only file, so that a restart finds the data again.
    package static func start(persistent: Bool = false) async throws -> RedisServer {
        let server = RedisServer(
            port: try Ports.free(), folder: try TemporaryFolder.make("redis"), persistent: persistent)
        try await server.start()
        return server
    }

    /// Starts it again on the same port and data.
    package func start() async throws {
        let leash = try await Leash.start(
            [
                "redis-server", "--port", "\(port)", "--bind", "127.0.0.1", "--dir", folder, "--save", "",
                "--appendonly", persistent ? "yes" : "no", "--appendfsync", "no",
            ], directory: folder)
        process.withLock { $0 = leash }
        try await eventually(within: .seconds(20), "Redis to respond", detail: { leash.outputTail }) {
            guard leash.isRunning else { throw ProcessFailure("Redis ended: \(leash.outputTail)") }
            return try await onThread { [port] in
                PlainSocket.exchange(port: port, send: "PING\r\n", receive: 7) == "+PONG\r\n"
            }
        }
    }

    /// Ends it with SIGKILL.
    package func kill() async { await process.withLock { $0 }?.kill() }

    /// Ends it in an orderly way.
    package func stop() async { await process.withLock { $0 }?.terminate() }

    /// Stops it responding without closing its connections, until ``resume()``.
    package func pause() { process.withLock { $0 }?.signal(SIGSTOP) }

    /// Lets it go on after ``pause()``.
    package func resume() { process.withLock { $0 }?.signal(SIGCONT) }

    /// Runs one command with `redis-cli` and returns its output.
    @discardableResult
    package func command(_ arguments: String...) async throws -> String {
        try await Leash.run(["redis-cli", "-p", "\(port)"] + arguments).trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
