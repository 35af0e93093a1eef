import Foundation
import HTTPCore
import JSONBytes
import Postgres
import Testing
import TestSupport

/// What the sweeper does about containers, over HTTP and on a real engine.
@Suite("Containers that the sweeper manages", .serialized)
struct ContainerSweepTests {
    @Test("A container that was killed: offline, started anew, and online with its agent's first heartbeat")
    func killed() async throws {
        // Two sweepers, of which one does it.
        try await EngineFleet.with(["registry", "sweeper", "sweeper"]) { engine in
            let (id, other) = (try await engine.started(), try await engine.started())
            for id in [id, other] { #expect(try await engine.beat(id) == 200) }
            #expect(try await engine.status(id) == "online")
            try await engine.podman.control("rm", "--force", "--time", "0", engine.name(id))
            try await eventually(within: .seconds(120), "the workspace to be offline") {
                try await engine.fleet.events(of: id).contains("workspace.offline")
            }
            try await eventually(within: .seconds(120), "the new container") {
                guard try await engine.containers().contains(engine.name(id)) else { return false }
                return try await engine.workspace(id)["url"]?.string?.isEmpty == false
            }
            #expect(try await engine.beat(id) == 200)
            #expect(try await engine.status(id) == "online")
            let events = try await engine.fleet.events(of: id)
            #expect(events.count { $0 == "workspace.offline" } == 1)
            #expect(events.count { $0 == "workspace.provisioning" } == 2)
            #expect(try await engine.fleet.events(of: other).count { $0 == "workspace.offline" } == 0)
        }
    }

    @Test("An unavailable engine takes no workspace offline")
    func engineAway() async throws {
        let podman = try await PodmanServer.start()
        do {
            try await podman.importImage(
                "localhost/waiting:latest",
                changes: [#"CMD ["/bin/sh", "-c", "trap 'exit 0' TERM; while :; do sleep 1; done"]"#])
            try await EngineFleet.with(environment: ["DOCKER_HOST": podman.url]) { shared in
                let engine = EngineFleet(fleet: shared.fleet, podman: podman)
                let id = try await engine.started()
                #expect(try await engine.beat(id) == 200)
                await podman.killService()
                let failures = try await Self.failures(engine)
                try await eventually(within: .seconds(120), "two passes that fail") {
                    try await Self.failures(engine) >= failures + 2
                }
                #expect(try await engine.status(id) == "online")
                #expect(try await engine.fleet.events(of: id).count { $0 == "workspace.offline" } == 0)
            }
        } catch {
            await podman.stop()
            throw error
        }
        await podman.stop()
    }

    private static func failures(_ engine: EngineFleet) async throws -> Int {
        let text = try await engine.fleet.apis[1].call(.get, "/metrics").text
        let line = text.split(separator: "\n").first {
            $0.hasPrefix(#"switchyard_sweep_failures_total{pass="container-health"}"#)
        }
        return line.flatMap { Int($0.split(separator: " ").last ?? "") } ?? 0
    }

    @Test("A container whose agent never registers has failed after its time, and recovers when it does register")
    func neverRegisters() async throws {
        try await EngineFleet.with(environment: ["PROVISION_TIMEOUT_SECONDS": "2"]) { engine in
            let id = try await engine.started()
            try await eventually(within: .seconds(120), "the workspace to fail") {
                try await engine.status(id) == "failed"
            }
            #expect(try await engine.workspace(id)["status_reason"] == "workspace did not come online in time")
            let data = try await engine.fleet.sql(
                """
                SELECT data::text FROM structure_events
                WHERE workspace_id = $1::uuid AND type = 'workspace.provision_failed'
                """, [id])
            #expect(
                data.all.map { $0.string(0) } == [
                    #"{"error":"workspace did not come online in time","source":"provision_timeout_sweep","#
                        + #""timeout_secs":2,"runtime":"langgraph"}"#
                ])
            // It is no heartbeat that brings it back, but its agent's registration.
            #expect(try await engine.beat(id) == 200)
            #expect(try await engine.status(id) == "failed")
            let token = try await engine.podman.control("exec", engine.name(id), "cat", "/configs/.auth_token")
            let register = try await engine.fleet.api.call(
                .post, "/registry/register", bearer: token,
                body: ["id": .string(id), "url": "http://localhost:8000", "agent_card": ["name": "a"]])
            #expect(register.status == 200)
            #expect(try await engine.status(id) == "online")
        }
    }

    @Test("A wiped database: containers are stopped two minutes later, and their volumes stay for a day")
    func wiped() async throws {
        try await EngineFleet.with(["registry"]) { engine in
            let id = try await engine.started()
            try await engine.fleet.sql("DELETE FROM workspaces")
            try await sweep(engine)
            #expect(try await engine.containers().contains(engine.name(id)))
            try await age(engine, "130 s")
            try await sweep(engine)
            #expect(try await !engine.containers().contains(engine.name(id)))
            try await sweep(engine)
            try await age(engine, "23 h")
            try await sweep(engine)
            #expect(try await engine.volumes().contains("\(engine.name(id))-configs"))
            try await age(engine, "1 h")
            try await sweep(engine)
            #expect(try await !engine.volumes().contains("\(engine.name(id))-configs"))
        }
    }

    /// A pass of a sweeper: its first thing when it starts.
    private func sweep(_ engine: EngineFleet) async throws {
        try await engine.fleet.sql("DELETE FROM subsystem_ticks WHERE name = 'orphans'")
        try await engine.fleet.start("sweeper", with: [:]) { _ in
            try await eventually("a pass") {
                try await !engine.fleet.sql("SELECT FROM subsystem_ticks WHERE name = 'orphans'").isEmpty
            }
        }
    }

    private func age(_ engine: EngineFleet, _ interval: String) async throws {
        try await engine.fleet.sql(
            "UPDATE orphan_sightings SET first_seen_at = first_seen_at - $1::interval", [interval])
    }

    @Test("Without an id of its own a platform makes one, once for all its services, and labels what it starts with it")
    func instance() async throws {
        try await EngineFleet.with(["registry", "registry", "sweeper"], environment: ["PLATFORM_INSTANCE_ID": ""]) {
            engine in
            let ids = [try await engine.started(), try await engine.started()]
            let kept = try await engine.fleet.sql(
                "SELECT value->>'id' FROM platform_state WHERE key = 'instance'")[0].string(0)
            #expect(UUID(uuidString: kept) != nil)
            for id in ids {
                let label = try await engine.podman.control(
                    "inspect", "--format", #"{{index .Config.Labels "molecule.platform.instance"}}"#, engine.name(id))
                #expect(label.trimmingCharacters(in: .whitespacesAndNewlines) == kept)
                try await engine.podman.control("rm", "--force", "--time", "0", engine.name(id))
                try await engine.podman.control("volume", "rm", "\(engine.name(id))-configs")
            }
        }
    }

    @Test("Images are refreshed on request: by runtime or all, and containers recreated if requested")
    func refresh() async throws {
        let podman = try await SharedServers.podman()
        let registry = try await RegistryServer.start(beside: podman)
        let result: Result<Void, any Error>
        do {
            try await EngineFleet.with(environment: ["WORKSPACE_IMAGES": "langgraph=\(registry.image)"]) { engine in
                try await registry.push(EngineFleet.image, of: podman)
                let id = try await engine.started()
                #expect(try await engine.beat(id) == 200)
                let path = "/admin/workspace-images/refresh"
                let sweeper = engine.fleet.apis[1]
                let pulled = try await sweeper.call(.post, "\(path)?runtime=langgraph", bearer: Platform.adminToken)
                #expect(pulled.text == #"{"pulled":["langgraph"],"failed":[],"recreated":[]}"#)
                let again = try await sweeper.call(
                    .post, "\(path)?runtime=langgraph&recreate=true", bearer: Platform.adminToken)
                #expect(again.text == #"{"pulled":["langgraph"],"failed":[],"recreated":["\#(engine.name(id))"]}"#)
                try await eventually(within: .seconds(120), "the container to be made anew") {
                    try await engine.fleet.events(of: id).count { $0 == "workspace.provisioning" } == 2
                }
                try registry.setFault(.manifests)
                let failed = try await sweeper.call(.post, "\(path)?runtime=langgraph", bearer: Platform.adminToken)
                #expect(failed.text == #"{"pulled":[],"failed":["langgraph"],"recreated":[]}"#)
                let unknown = try await sweeper.call(.post, "\(path)?runtime=cobol", bearer: Platform.adminToken)
                #expect(unknown.status == 400 && unknown.json["error"] == "unknown runtime")
                #expect(unknown.json["known_runtimes"]?.array?.contains("hermes") == true)
                let perhaps = try await sweeper.call(.post, "\(path)?recreate=perhaps", bearer: Platform.adminToken)
                #expect(perhaps.status == 400)
                #expect(try await sweeper.call(.post, path, bearer: "wrong").status == 401)
            }
            result = .success(())
        } catch { result = .failure(error) }
        await registry.stop()
        try result.get()
    }

    @Test("Without an engine there are no images to refresh")
    func withoutEngine() async throws {
        try await Fleet.with(["sweeper"]) { fleet in
            let response = try await fleet.api.call(
                .post, "/admin/workspace-images/refresh", bearer: Platform.adminToken)
            #expect(response.status == 503 && response.json["error"] == "provisioner not available")
        }
    }
}
