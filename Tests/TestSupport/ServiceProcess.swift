import Foundation

/// One of this package's executables, running as a process with an environment of its own.
package final class ServiceProcess: Sendable {
    /// The port it listens on, given to it as `PORT`.
    package let port: UInt16
    package let name: String
    private let leash: Leash

    /// `http://127.0.0.1:<port>`
    package var baseURL: String { "http://127.0.0.1:\(port)" }
    /// What it wrote so far, mostly its log.
    package var output: String { leash.output }
    /// Whether it has not ended yet.
    package var isRunning: Bool { leash.isRunning }
    package var processID: pid_t { leash.processID }

    private init(name: String, port: UInt16, leash: Leash) {
        self.name = name
        self.port = port
        self.leash = leash
    }

    /// Starts an executable and waits until `GET /ready` responds with 200.
    ///
    /// - Parameters:
    ///   - name: a product of this package, for instance `registry`.
    ///   - environment: its whole environment but for `PORT` and `PATH`.
    ///   - port: chosen when nil; pass the old one to start a service again where its clients expect it.
    ///   - readyWithin: nil returns at once.
    package static func start(
        _ name: String, environment: [String: String], port: UInt16? = nil, readyWithin: Duration? = .seconds(30)
    ) async throws -> ServiceProcess {
        let chosen = try port ?? Ports.free()
        var variables = environment
        variables["PORT"] = String(chosen)
        // A crash is reported by the end of the output: the thread that crashed is what matters of it.
        variables["SWIFT_BACKTRACE"] = "threads=crashed,registers=none,images=none,color=no,limit=24"
        let leash = try await Leash.start([executable(name)], environment: variables, directory: "/")
        let service = ServiceProcess(name: name, port: chosen, leash: leash)
        if let readyWithin { try await service.waitUntilReady(within: readyWithin) }
        return service
    }

    /// Waits until `GET /ready` responds with 200.
    package func waitUntilReady(within limit: Duration = .seconds(30)) async throws {
        try await eventually(within: limit, "\(name) to be ready", detail: { leash.outputTail }) {
            [port, leash, name] in
            guard leash.isRunning else { throw ProcessFailure("\(name) ended: \(leash.outputTail)") }
            return try await onThread { PlainSocket.status(port: port, path: "/ready") == 200 }
        }
    }

    /// Ends it with SIGKILL; returns when it is gone.
    package func kill9() async { await leash.kill() }

    /// Ends it with SIGTERM and returns its exit code.
    @discardableResult
    package func terminate(within limit: Duration = .seconds(30)) async -> Int32 {
        await leash.terminate(within: limit)
    }

    /// Waits for it to end by itself.
    package func exited() async -> Int32 { await leash.exited() }

    /// Stops it with SIGSTOP: its connections stay open without responses.
    package func pause() { leash.signal(SIGSTOP) }

    /// Lets it go on after ``pause()``.
    package func resume() { leash.signal(SIGCONT) }

    /// The path of a built executable: in the folder that `SWITCHYARD_PRODUCTS` names, such as a release build's, or
    /// else beside the test bundle.
    package static func executable(_ name: String) throws -> String {
        let path = try products().appendingPathComponent(name).path
        guard FileManager.default.isExecutableFile(atPath: path) else {
            throw ProcessFailure("\(path) is not built: run `swift build` first")
        }
        return path
    }

    private static func products() throws -> URL {
        if let folder = ProcessInfo.processInfo.environment["SWITCHYARD_PRODUCTS"], !folder.isEmpty {
            return URL(fileURLWithPath: folder)
        }
        let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        return URL(fileURLWithPath: own).deletingLastPathComponent()
    }
}
