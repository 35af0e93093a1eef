import Foundation
import Observability
import Provisioning
import TestSupport
import UVHTTPClient
import UVLoop

/// Loops shared by all tests of this target; they end with the process.
let loops = EventLoopGroup(count: 2)

/// The images of tests, as `WORKSPACE_IMAGES` would name them.
enum TestImage {
    /// Keeps what its first process found in the config volume, and serves it at `/token`, `/mode`, `/files`, `/env`.
    static let agent = "localhost/agent:latest"
    /// The same, as a user that is not root.
    static let plainUser = "localhost/plain-user:latest"
    /// Ignores requests to end.
    static let stubborn = "localhost/stubborn:latest"
    /// Its process ends at once.
    static let failing = "localhost/failing:latest"

    static let all = WorkspaceImages(overrides: [
        "agent": agent, "plain-user": plainUser, "stubborn": stubborn, "failing": failing,
        "missing": "127.0.0.1:1/missing:latest",
    ])

    static func importAll(into podman: PodmanServer) async throws {
        let files = ["/agent": agentScript]
        try await podman.importImage(agent, files: files, changes: ["CMD [\"/agent\"]"])
        try await podman.importImage(plainUser, files: files, changes: ["CMD [\"/agent\"]", "USER 1234:1235"])
        try await podman.importImage(
            stubborn, changes: ["CMD [\"/bin/sh\", \"-c\", \"trap : TERM; while :; do sleep 1; done\"]"])
        try await podman.importImage(failing, changes: ["CMD [\"/bin/nothing\"]"])
    }

    /// The first lines run before anything else could: what they see was there before the process began.
    private static let agentScript = """
        #!/bin/sh
        mkdir -p /tmp/www/files
        cd /tmp/www
        cat /configs/.auth_token >token
        stat -c '%a %u %g' /configs/.auth_token >mode
        cp -r /configs/. files/
        env >env
        id -u >user
        trap 'exit 0' TERM
        httpd -f -p "$HOST:$PORT" -h /tmp/www &
        wait $!
        """
}

/// The engine that tests share, with the images.
enum SharedEngine {
    private static let engine = Shared {
        let podman = try await SharedServers.podman()
        try await TestImage.importAll(into: podman)
        return podman
    }

    static func get() async throws -> PodmanServer { try await engine.get() }
}

/// An engine of one test, which it may break.
func withOwnEngine(_ body: (PodmanServer) async throws -> Void) async throws {
    let podman = try await PodmanServer.start()
    do {
        try await TestImage.importAll(into: podman)
        try await body(podman)
    } catch {
        await podman.stop()
        throw error
    }
    await podman.stop()
}

func makeEngine(
    _ podman: PodmanServer, instance: String = "test", change: (inout ProvisionerSettings) -> Void = { _ in }
) throws -> ContainerEngine {
    let address = EngineAddress.unixSocket(path: podman.socket)
    var settings = ProvisionerSettings(
        backend: .engine(address), instance: PlatformInstance(instance), images: TestImage.all)
    settings.stopGrace = .seconds(3)
    settings.inspectTimeout = .seconds(30)
    change(&settings)
    return ContainerEngine(address, settings: settings, loops: loops, logger: .disabled)
}

/// A workspace with an id of its own and a token that is easily found in any text.
func makeSpecification(
    runtime: String = "agent", environment: [String: String] = ["API_KEY": "sk-secret-of-the-test"]
) -> WorkspaceSpecification {
    let id = UUID()
    return WorkspaceSpecification(id: id, runtime: runtime, environment: environment, token: "token-\(id)")
}

/// The error of a call; `nil` when it has none.
func failure<T>(_ call: () async throws -> T) async -> ProvisioningError? {
    do {
        _ = try await call()
        return nil
    } catch {
        return error as? ProvisioningError
    }
}

/// Runs a test with a workspace and takes it away again, whatever happens.
func withWorkspace(
    _ specification: WorkspaceSpecification, on backend: any Provisioner, _ body: () async throws -> Void
) async throws {
    do {
        try await body()
    } catch {
        try? await backend.stop(specification.id)
        try? await backend.removeVolume(specification.id)
        throw error
    }
    try await backend.stop(specification.id)
    try await backend.removeVolume(specification.id)
}
