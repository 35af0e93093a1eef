import Foundation
import HTTPCore
import JSONBytes
import Postgres
import Testing
import TestSupport

/// Services with a real container engine, and an agent that runs in its containers: it responds to messages, and the
/// test sends its heartbeats, and so decides whether it is alive.
struct ContainerFleet: Sendable {
    private static let image = "localhost/switchyard-agent:latest"
    private static let engine = Shared {
        let podman = try await SharedServers.podman()
        try await podman.importImage(
            image, files: ["/agent": start, "/answer": response], changes: ["CMD [\"/agent\"]"])
        return podman
    }

    /// The script responds to all requests for the server's root.
    private static let start = """
        #!/bin/sh
        mkdir -p /tmp/www/cgi-bin
        cp /answer /tmp/www/cgi-bin/index.cgi
        trap 'exit 0' TERM
        httpd -f -p "$HOST:$PORT" -h /tmp/www &
        wait $!
        """
    private static let response = """
        #!/bin/sh
        head -c "$CONTENT_LENGTH" >>/tmp/received
        echo >>/tmp/received
        printf 'Content-Type: application/json\\r\\n\\r\\n'
        printf '{"jsonrpc":"2.0","id":"1","result":{"kind":"message","role":"agent","messageId":"m","parts":[]}}'
        """

    let fleet: Fleet
    let podman: PodmanServer

    /// - Parameters:
    ///   - names: the services to start; a registry is the first.
    ///   - environment: settings beside those of the harness.
    static func with(
        _ names: [String], environment: [String: String] = [:], _ body: (ContainerFleet) async throws -> Void
    ) async throws {
        let podman = try await engine.get()
        let settings = [
            "DOCKER_HOST": podman.url, "WORKSPACE_IMAGES": "agent=\(image)", "PLATFORM_URL": "http://platform.example",
            "PLATFORM_INSTANCE_ID": UUID().uuidString.lowercased(),
        ].merging(environment) { $1 }
        try await Fleet.with(names, environment: settings) { fleet in
            let containers = ContainerFleet(fleet: fleet, podman: podman)
            let result: Result<Void, any Error>
            do { result = .success(try await body(containers)) } catch { result = .failure(error) }
            await containers.removeAll()
            try result.get()
        }
    }

    private func removeAll() async {
        let ids = (try? await fleet.sql("SELECT id::text FROM workspaces").map { $0.string(0) }) ?? []
        for id in ids {
            _ = try? await podman.control("rm", "--force", "--time", "0", Self.container(id))
            _ = try? await podman.control("volume", "rm", "--force", "\(Self.container(id))-configs")
        }
    }

    static func container(_ id: String) -> String { "ws-\(id.prefix(12))" }

    /// The engine's id of a workspace's container; nil when there is none, or it does not run.
    func container(_ id: String) async throws -> String? {
        let list = try await podman.control(
            "ps", "--no-trunc", "--filter", "name=\(Self.container(id))", "--format", "{{.ID}}")
        return list.split(separator: "\n").first.map(String.init)
    }

    /// Creates a workspace and waits until its container runs.
    func create(_ fields: [String: JSONValue] = [:]) async throws -> String {
        let body = JSONValue.object(["name": "w", "runtime": "agent"].merging(fields) { $1 })
        let created = try await fleet.api.call(.post, "/workspaces", body: body)
        #expect(created.status == 201, "\(created.text)")
        let id = try #require(created.json["id"]?.string)
        _ = try await address(of: id)
        return id
    }

    /// Waits until a workspace has an address, which it gets when its container was started.
    func address(of id: String) async throws -> String {
        var address = ""
        try await eventually("an address", detail: { fleet.services[0].output.suffix(2000).description }) {
            address = try await fleet.api.call(.get, "/workspaces/\(id)").json["url"]?.string ?? ""
            return !address.isEmpty
        }
        return address
    }

    /// Sends a heartbeat with the token that the agent finds in its volume.
    func beat(_ id: String) async throws -> Int {
        let token = try await podman.control("exec", Self.container(id), "cat", "/configs/.auth_token")
        return try await fleet.api.call(
            .post, "/registry/heartbeat", bearer: token, body: ["workspace_id": .string(id)]
        ).status
    }

    /// What the agent was sent.
    func received(_ id: String) async throws -> String {
        (try? await podman.control("exec", Self.container(id), "cat", "/tmp/received")) ?? ""
    }

    /// Brings a workspace's agent to where the services are, and has them reach it there, while a part of a test runs: they
    /// are in another network than the engine.
    func reaching(_ id: String, _ body: () async throws -> Void) async throws {
        _ = try await address(of: id)
        let ip = try await podman.control(
            "inspect", Self.container(id), "--format", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
        ).trimmingCharacters(in: .whitespacesAndNewlines)
        let port = try Ports.free()
        let relay = try await PythonProgram.start(
            "namespace_port.py", [podman.networkNamespace, ip, "8000", "\(port)"])
        var failure: (any Error)?
        do {
            try await eventually("the agent at \(ip)", detail: { relay.outputTail }) {
                guard relay.isRunning else { throw ProcessFailure("no relay: \(relay.outputTail)") }
                return try await onThread { PlainSocket.status(port: port, path: "/") == 200 }
            }
            try await fleet.sql(
                "UPDATE workspaces SET url = $2 WHERE id = $1::uuid", [id, "http://127.0.0.1:\(port)"])
            try await body()
        } catch { failure = error }
        await relay.kill()
        if let failure { throw failure }
    }

    func status(_ id: String) async throws -> String? { try await fleet.api.status(of: id) }
}
