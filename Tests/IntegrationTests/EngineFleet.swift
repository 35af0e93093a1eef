import Foundation
import HTTPCore
import JSONBytes
import Testing
import TestSupport

/// A registry and sweepers that start workspaces on a real engine, each test as a platform of its own.
///
/// A container has no way to the platform, whose network is another one: the test beats in its agent's place, with the token
/// that its agent finds.
struct EngineFleet: Sendable {
    static let image = "localhost/waiting:latest"
    private static let engine = Shared {
        let podman = try await SharedServers.podman()
        try await podman.importImage(
            image, changes: [#"CMD ["/bin/sh", "-c", "trap 'exit 0' TERM; while :; do sleep 1; done"]"#])
        return podman
    }

    let fleet: Fleet
    let podman: PodmanServer

    /// Runs a test with services, which are ended whatever happens, as are the containers that it leaves.
    static func with(
        _ services: [String] = ["registry", "sweeper"], environment: [String: String] = [:],
        _ body: (EngineFleet) async throws -> Void
    ) async throws {
        let podman = try await engine.get()
        let instance = "test-\(UUID())"
        let settings = [
            "DOCKER_HOST": podman.url, "PLATFORM_URL": "http://platform.example", "PLATFORM_INSTANCE_ID": instance,
            "WORKSPACE_IMAGES": "langgraph=\(image)",
        ].merging(environment) { $1 }.filter { !$0.value.isEmpty }
        let result: Result<Void, any Error>
        do {
            try await Fleet.with(services, environment: settings) { fleet in
                try await body(EngineFleet(fleet: fleet, podman: podman))
            }
            result = .success(())
        } catch { result = .failure(error) }
        for name in try await podman.control(
            "ps", "--all", "--filter", "label=molecule.platform.instance=\(instance)", "--format", "{{.Names}}"
        ).split(separator: "\n") {
            _ = try? await podman.control("rm", "--force", "--time", "0", "--volumes", String(name))
        }
        try result.get()
    }

    func name(_ id: String) -> String { "ws-\(id.prefix(12))" }

    /// Creates a workspace and waits until its container runs.
    func started() async throws -> String {
        let created = try await fleet.api.call(.post, "/workspaces", body: ["name": "w", "runtime": "langgraph"])
        let id = try #require(created.json["id"]?.string)
        try await awaitURL(id)
        return id
    }

    func awaitURL(_ id: String) async throws {
        try await eventually(within: .seconds(120), "the container to be started", detail: { fleet.services[0].output })
        {
            try await workspace(id)["url"]?.string?.isEmpty == false
        }
    }

    func workspace(_ id: String) async throws -> JSONValue {
        try await fleet.api.call(.get, "/workspaces/\(id)").json
    }

    func status(_ id: String) async throws -> String? { try await workspace(id)["status"]?.string }

    /// Beats as the container's agent would; returns the response's status.
    func beat(_ id: String) async throws -> Int {
        let token = try await podman.control("exec", name(id), "cat", "/configs/.auth_token")
        return try await fleet.api.call(
            .post, "/registry/heartbeat", bearer: token, body: ["workspace_id": .string(id)]
        ).status
    }

    func containers() async throws -> String {
        try await podman.control("ps", "--all", "--format", "{{.Names}}")
    }

    func volumes() async throws -> String { try await podman.control("volume", "ls", "--format", "{{.Name}}") }
}
