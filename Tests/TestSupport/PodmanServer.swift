import Foundation
import Synchronization

/// A private Podman with the Docker Engine API on a socket of its own.
///
/// It lives in process, network and mount namespaces of its own: containers, bridges, packet filters and mounts go away
/// with the first process in there, however the test process ends, and nothing of the machine's own is touched. Ports
/// that it publishes on 127.0.0.1 are therefore its own loopback's: see ``get(_:)``.
package final class PodmanServer: Sendable {
    /// What `DOCKER_HOST` would be.
    package var url: String { "unix://\(socket)" }
    /// The path of its socket.
    package let socket: String
    private let folder: String
    /// Keeps the namespaces: their first process.
    private let world: Leash
    private let worldProcess: pid_t
    private let service = Mutex<Leash?>(nil)

    private init(folder: String, world: Leash, worldProcess: pid_t) {
        self.folder = folder
        self.world = world
        self.worldProcess = worldProcess
        socket = "\(folder)/engine.sock"
    }

    /// Starts an engine without images or containers, and waits until it responds.
    package static func start() async throws -> PodmanServer {
        for program in ["podman", "runc", "unshare", "nsenter", "curl"] { try require(program) }
        let folder = try TemporaryFolder.make("podman")
        try writeConfiguration(folder)
        let world = try await Leash.start(
            [
                "unshare", "--pid", "--net", "--mount", "--ipc", "--uts", "--fork", "--kill-child=SIGKILL",
                "--mount-proc", "/bin/bash", "-c", firstProcess, "podman-world", folder,
            ], directory: folder)
        var first: pid_t?
        try await eventually("the namespaces of Podman", detail: { world.outputTail }) {
            guard world.isRunning else { throw ProcessFailure("no namespaces for Podman: \(world.outputTail)") }
            guard FileManager.default.fileExists(atPath: "\(folder)/world") else { return false }
            first = ProcessTree.descendants(of: world.processID).first
            return first != nil
        }
        let server = PodmanServer(folder: folder, world: world, worldProcess: first ?? 0)
        try await server.startService()
        return server
    }

    /// Starts the service again after ``killService()``; containers went on meanwhile.
    package func startService() async throws {
        try? FileManager.default.removeItem(atPath: socket)
        let leash = try await Leash.start(
            inWorld(["podman", "system", "service", "--time=0", url]), environment: environment, directory: folder)
        service.withLock { $0 = leash }
        try await eventually(within: .seconds(30), "Podman to respond", detail: { leash.outputTail }) {
            guard leash.isRunning else { throw ProcessFailure("Podman ended: \(leash.outputTail)") }
            return (try? await Leash.run(["curl", "-sf", "--unix-socket", socket, "http://podman/_ping"])) != nil
        }
    }

    /// Ends the service, and not its containers, with SIGKILL.
    package func killService() async { await service.withLock { $0 }?.kill() }

    /// Stops it responding without closing its connections, until ``resume()``.
    package func pause() { signalService(SIGSTOP) }

    /// Lets it go on after ``pause()``.
    package func resume() { signalService(SIGCONT) }

    /// Removes all containers and ends everything.
    package func stop() async {
        // Without it their control groups would stay behind.
        _ = try? await control("rm", "--all", "--force", "--time", "0")
        await killService()
        await world.kill()
    }

    /// Runs `podman` against this engine's storage and returns its output.
    @discardableResult
    package func control(_ arguments: String...) async throws -> String { try await control(arguments) }

    /// Runs `podman` with these arguments.
    @discardableResult
    package func control(_ arguments: [String]) async throws -> String {
        try await Leash.run(inWorld(["podman"] + arguments), environment: environment)
    }

    /// Whether the engine's files name a container already, though it may not have responded yet.
    package func hasStored(_ container: String) -> Bool {
        let list = try? String(contentsOfFile: "\(folder)/storage/vfs-containers/containers.json", encoding: .utf8)
        return list?.contains("\"\(container)\"") == true
    }

    /// Requests `url` from where the engine publishes its ports, and returns the response's body.
    ///
    /// - Throws: ``ProcessFailure`` for every status that is not 2xx.
    package func get(_ url: String) async throws -> String {
        try await Leash.run(
            ["nsenter", "--target", "\(worldProcess)", "--net", "curl", "-sSf", "--max-time", "5", url])
    }

    /// The network in which it publishes ports, for who can enter it.
    package var networkNamespace: String { "/proc/\(worldProcess)/ns/net" }

    /// Starts a server that the engine reaches on its own loopback.
    package func startBeside(_ command: [String]) async throws -> Leash {
        try await Leash.start(["nsenter", "--target", "\(worldProcess)", "--net"] + command, directory: folder)
    }

    private func inWorld(_ command: [String]) -> [String] {
        ["nsenter", "--target", "\(worldProcess)", "--pid", "--net", "--mount", "--ipc", "--uts"] + command
    }

    private func signalService(_ number: Int32) {
        guard let leash = service.withLock({ $0 }), leash.isRunning else { return }
        // `nsenter` waits for the engine, which is in the other process namespace.
        for pid in ProcessTree.descendants(of: leash.processID) { kill(pid, number) }
    }

    private var environment: [String: String] {
        [
            "HOME": folder, "CONTAINERS_CONF": "\(folder)/containers.conf",
            "CONTAINERS_STORAGE_CONF": "\(folder)/storage.conf",
            "CONTAINERS_REGISTRIES_CONF": "\(folder)/registries.conf",
        ]
    }

    /// Locks and network namespaces are below `/run` and `/dev/shm`, where other engines have theirs. A shell reaps
    /// orphaned processes.
    private static let firstProcess = """
        set -e
        mount -t tmpfs tmpfs /run
        mount -t tmpfs tmpfs /dev/shm
        ip link set lo up
        : >"$1/world"
        while :; do sleep 3600 & wait $!; done
        """

    private static func writeConfiguration(_ folder: String) throws {
        let engine = """
            [containers]
            default_ulimits = ["nofile=1024:1024", "nproc=1000:1000"]
            log_driver = "k8s-file"
            [engine]
            cgroup_manager = "cgroupfs"
            events_logger = "file"
            runtime = "runc"
            tmp_dir = "\(folder)/tmp"
            [network]
            network_backend = "netavark"
            network_config_dir = "\(folder)/networks"

            """
        // Registries of tests have no certificates.
        let registries = """
            unqualified-search-registries = []
            [[registry]]
            location = "127.0.0.1"
            insecure = true

            """
        // The one driver that needs nothing of the file system below.
        let storage = """
            [storage]
            driver = "vfs"
            graphroot = "\(folder)/storage"
            runroot = "\(folder)/run"

            """
        for (name, text) in [
            ("containers.conf", engine), ("registries.conf", registries), ("storage.conf", storage),
        ] {
            try text.write(toFile: "\(folder)/\(name)", atomically: true, encoding: .utf8)
        }
    }

    private static func require(_ program: String) throws {
        let folders = ["/usr/bin", "/bin", "/usr/sbin", "/sbin", "/usr/local/bin"]
        guard folders.contains(where: { FileManager.default.isExecutableFile(atPath: "\($0)/\(program)") }) else {
            throw ProcessFailure("\(program) is not installed, so there is no container engine to test with")
        }
    }
}
