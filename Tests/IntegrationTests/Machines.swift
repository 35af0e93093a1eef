import Foundation
import HTTPCore
import JSONBytes
import Testing
import TestSupport
import UVLoop

/// Two registries, whatever else a test names, and the control plane on which they start machines.
struct Machines: Sendable {
    let fleet: Fleet
    let plane: ControlPlaneServer

    /// Runs a test with services and a control plane, which are ended whatever happens.
    ///
    /// - Parameters:
    ///   - more: services beside the two registries.
    ///   - environment: settings beside those of the harness.
    static func with(
        _ more: [String] = [], environment: [String: String] = [:], _ body: (Machines) async throws -> Void
    ) async throws {
        let loops = EventLoopGroup(count: 1)
        defer { loops.shutdown() }
        let plane = try await ControlPlaneServer.start(loops: loops, token: "plane-token")
        let settings = [
            "CONTROL_PLANE_URL": plane.url, "CONTROL_PLANE_TOKEN": "plane-token",
            "PLATFORM_URL": "http://platform.example",
        ].merging(environment) { $1 }
        let result: Result<Void, any Error>
        do {
            try await Fleet.with(["registry", "registry"] + more, environment: settings) { fleet in
                try await body(Machines(fleet: fleet, plane: plane))
            }
            result = .success(())
        } catch { result = .failure(error) }
        await plane.stop()
        try result.get()
    }

    /// What a workspace's machine is called.
    func name(_ id: String) -> String { "ws-\(id.prefix(12))" }

    func machine(_ id: String) -> ControlPlaneServer.Machine? { plane.machine(name(id)) }

    /// Starts requested so far.
    var starts: Int { plane.received.count { $0.hasPrefix("PUT") } }

    /// Creates a workspace and waits until its machine runs.
    func started(_ fields: [String: JSONValue] = [:]) async throws -> (id: String, token: String) {
        let body = JSONValue.object(["name": "w", "runtime": "langgraph"].merging(fields) { $1 })
        let created = try await fleet.api.call(.post, "/workspaces", body: body)
        #expect(created.status == 201 && created.json["status"]?.string == "provisioning")
        let id = try #require(created.json["id"]?.string)
        return (id, try await token(id))
    }

    /// Waits for the machine and its address, and reads the token that its agent finds.
    func token(_ id: String) async throws -> String {
        try await eventually("the machine to be started") {
            guard machine(id) != nil else { return false }
            return try await workspace(id)["url"]?.string != ""
        }
        return String(decoding: try #require(machine(id)?.files[".auth_token"]), as: UTF8.self)
    }

    func workspace(_ id: String) async throws -> JSONValue {
        try await fleet.api.call(.get, "/workspaces/\(id)").json
    }

    func status(_ id: String) async throws -> String? { try await workspace(id)["status"]?.string }

    /// Sends a heartbeat and returns its status.
    func beat(_ id: String, _ token: String) async throws -> Int {
        try await fleet.api.call(
            .post, "/registry/heartbeat", bearer: token, body: ["workspace_id": .string(id)]
        ).status
    }
}
