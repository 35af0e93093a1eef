import Concurrency
import Foundation
import HTTPCore
import JSONBytes
import Testing
import TestSupport
import UVHTTPServer
import UVLoop

extension RegistryProcessTests {
    /// Containers that start and stop, requested over HTTP, with two registries and a control plane.
    @Suite("Lifecycle over HTTP", .serialized)
    struct LifecycleProcessTests {
        @Test("A created workspace is started with its token; its first heartbeat brings it online")
        func create() async throws {
            try await Machines.with { machines in
                let fleet = machines.fleet
                let (id, token) = try await machines.started()
                let request = try #require(machines.machine(id)?.request)
                #expect(request["environment"]?["PLATFORM_URL"]?.string == "http://platform.example")
                #expect(request["environment"]?["WORKSPACE_ID"]?.string == id)
                #expect(try await machines.beat(id, token) == 200)
                #expect(try await machines.status(id) == "online")
                // The agent's own address does not replace the one it was started at.
                let register = try await fleet.api.call(
                    .post, "/registry/register", bearer: token,
                    body: ["id": .string(id), "url": "http://localhost:8000", "agent_card": ["name": "a"]])
                #expect(register.status == 200)
                let url = try await fleet.api.call(.get, "/workspaces/\(id)").json["url"]?.string
                #expect(url == "http://10.0.0.7:8000/\(machines.name(id))")
            }
        }

        @Test("Two instances that restart one workspace at the same time do it once, and old tokens end")
        func restartOnce() async throws {
            try await Machines.with { machines in
                let (fleet, plane) = (machines.fleet, machines.plane)
                let (id, old) = try await machines.started()
                #expect(try await machines.beat(id, old) == 200)
                let gate = Gate()
                plane.respond { request in
                    await gate.wait()
                    return .json(.ok) { $0.member("url", "http://10.0.0.7:8000/again") }
                }
                let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                    for index in 0..<8 {
                        group.addTask {
                            try await fleet.apis[index % 2].call(.post, "/workspaces/\(id)/restart").status
                        }
                    }
                    return try await group.reduce(into: []) { $0.append($1) }
                }
                #expect(statuses == Array(repeating: 200, count: 8))
                try await eventually("the start to be asked for") { plane.received.count { $0.hasPrefix("PUT") } == 2 }
                // While it is running, too.
                #expect(try await fleet.apis[1].call(.post, "/workspaces/\(id)/restart").status == 200)
                gate.open()
                try await eventually("the new address") {
                    try await fleet.api.call(.get, "/workspaces/\(id)").json["url"]?.string
                        == "http://10.0.0.7:8000/again"
                }
                #expect(plane.received.count { $0.hasPrefix("PUT") } == 2)
                #expect(try await machines.beat(id, old) == 401)
                let events = try await fleet.events(of: id)
                #expect(events.count { $0 == "workspace.provisioning" } == 2)
            }
        }

        @Test("What is paused has no machine; resumed, it gets one")
        func pause() async throws {
            try await Machines.with { machines in
                let fleet = machines.fleet
                let (id, token) = try await machines.started()
                #expect(try await machines.beat(id, token) == 200)
                let paused = try await fleet.api.call(.post, "/workspaces/\(id)/pause", bearer: token)
                #expect(paused.status == 200 && paused.text == #"{"status":"paused","paused_count":1}"#)
                #expect(try await fleet.api.call(.get, "/workspaces/\(id)").json["url"]?.string == "")
                try await eventually("the machine to be stopped") { machines.machine(id) == nil }
                #expect(try await machines.beat(id, token) == 200)
                #expect(try await machines.status(id) == "paused")
                #expect(try await fleet.api.call(.post, "/workspaces/\(id)/pause").status == 404)
                #expect(try await fleet.api.call(.post, "/workspaces/\(id)/restart").status == 409)
                let resumed = try await fleet.apis[1].call(.post, "/workspaces/\(id)/resume")
                #expect(resumed.text == #"{"status":"provisioning","resumed_count":1}"#)
                let fresh = try await machines.token(id)
                #expect(try await machines.beat(id, fresh) == 200)
                #expect(try await machines.status(id) == "online")
            }
        }

        @Test("A hibernated workspace is woken by a message")
        func hibernate() async throws {
            try await Machines.with(["a2a-proxy"]) { machines in
                let fleet = machines.fleet
                let (id, token) = try await machines.started()
                _ = try await fleet.api.call(
                    .post, "/registry/heartbeat", bearer: token, body: ["workspace_id": .string(id), "active_tasks": 2])
                let busy = try await fleet.api.call(.post, "/workspaces/\(id)/hibernate")
                #expect(busy.status == 409 && busy.json["active_tasks"]?.int == 2)
                let slept = try await fleet.api.call(.post, "/workspaces/\(id)/hibernate?force=true")
                #expect(slept.text == #"{"status":"hibernated"}"#)
                #expect(machines.machine(id) == nil)
                #expect(try await fleet.api.call(.post, "/workspaces/\(id)/hibernate?force=perhaps").status == 400)
                let message: JSONValue = [
                    "method": "message/send",
                    "params": ["message": ["role": "user", "parts": [["kind": "text", "text": "hello"]]]],
                ]
                let response = try await fleet.apis[2].call(.post, "/workspaces/\(id)/a2a", body: message)
                #expect(response.status == 503 && response.json["waking"]?.bool == true)
                #expect(response.headers["retry-after"] == "15")
                _ = try await machines.token(id)
            }
        }

        @Test("Deleting stops machines, then removes volumes, and responds when it is done")
        func delete() async throws {
            try await Machines.with { machines in
                let (fleet, plane) = (machines.fleet, machines.plane)
                let (parent, token) = try await machines.started()
                let child = try await fleet.api.call(
                    .post, "/workspaces", body: ["name": "c", "parent_id": .string(parent)])
                let childID = try #require(child.json["id"]?.string)
                _ = try await machines.token(childID)
                let asked = try await fleet.api.call(.delete, "/workspaces/\(parent)")
                #expect(asked.status == 409)
                #expect(asked.json["status"]?.string == "confirmation_required")
                #expect(asked.json["children_count"]?.int == 1)
                #expect(asked.json["children"]?[0]?["id"]?.string == childID)
                let done = try await fleet.apis[1].call(.delete, "/workspaces/\(parent)?confirm=true")
                #expect(done.status == 200 && done.text == #"{"status":"removed","cascade_deleted":1}"#)
                for id in [parent, childID] {
                    #expect(machines.machine(id) == nil)
                    let stop = plane.received.firstIndex(of: "DELETE /machines/\(machines.name(id))")
                    let remove = plane.received.firstIndex(of: "DELETE /volumes/\(machines.name(id))-configs")
                    #expect(try #require(stop) < #require(remove))
                }
                #expect(try await machines.beat(parent, token) == 410)
            }
        }

        @Test("A stop that fails is an error, and is retried until it succeeds, also when instances die")
        func stopFails() async throws {
            try await Machines.with { machines in
                let (fleet, plane) = (machines.fleet, machines.plane)
                let (id, _) = try await machines.started()
                plane.respond { _ in .error(.internalServerError, "the hypervisor at 10.9.8.7 is on fire") }
                let failed = try await fleet.api.call(.delete, "/workspaces/\(id)")
                #expect(failed.status == 500)
                #expect(failed.json["error"]?.string == "workspace stop failed")
                #expect(failed.json["removed_count"]?.int == 1)
                #expect(failed.json["stop_failures"]?[0]?["workspace_id"]?.string == id)
                #expect(!failed.text.contains("10.9.8.7"))
                #expect(try await machines.status(id) == "removed")
                #expect(machines.machine(id) != nil)
                #expect(!plane.received.contains { $0.contains("/volumes/") }, "its volume is kept while it may run")
                await fleet.services[0].kill9()
                plane.respond(with: nil)
                try await eventually(within: .seconds(40), "another registry to stop it") {
                    machines.machine(id) == nil
                }
                let again = try await fleet.apis[1].call(.delete, "/workspaces/\(id)?purge=true")
                #expect(again.status == 200 && again.text == #"{"status":"purged","cascade_deleted":0}"#)
                #expect(try await fleet.apis[1].call(.get, "/workspaces/\(id)").status == 404)
            }
        }

        @Test("A registry that dies while it starts a workspace leaves that to the other")
        func killedWhileStarting() async throws {
            try await Machines.with { machines in
                let (fleet, plane) = (machines.fleet, machines.plane)
                let gate = Gate()
                plane.respond { _ in
                    await gate.wait()
                    return .error(.serviceUnavailable, "too late")
                }
                let created = try await fleet.api.call(.post, "/workspaces", body: ["name": "w"])
                let id = try #require(created.json["id"]?.string)
                try await eventually("the start to begin") { !plane.received.isEmpty }
                let starter = try #require(
                    fleet.services.firstIndex { $0.output.contains("workspace is being started") })
                await fleet.services[starter].kill9()
                plane.respond(with: nil)
                gate.open()
                let other = fleet.apis[1 - starter]
                try await eventually(within: .seconds(40), "the other to start it") {
                    try await other.call(.get, "/workspaces/\(id)").json["url"]?.string != ""
                }
                #expect(machines.machine(id) != nil)
            }
        }

        @Test("A start that the control plane refuses fails the workspace, and says nothing of why")
        func startRefused() async throws {
            try await Machines.with { machines in
                let (fleet, plane) = (machines.fleet, machines.plane)
                plane.respond { _ in .error(422, "image registry.internal/secret:1 is missing") }
                let created = try await fleet.api.call(.post, "/workspaces", body: ["name": "w"])
                let id = try #require(created.json["id"]?.string)
                try await eventually("it to fail") { try await machines.status(id) == "failed" }
                let full = try await fleet.api.call(.get, "/workspaces/\(id)")
                #expect(full.json["status_reason"]?.string == "workspace start failed")
                #expect(!full.text.contains("registry.internal"))
                #expect(try await fleet.events(of: id) == ["workspace.provisioning", "workspace.provision_failed"])
                plane.respond(with: nil)
                #expect(try await fleet.api.call(.post, "/workspaces/\(id)/restart").status == 200)
                _ = try await machines.token(id)
            }
        }

        @Test("Without a backend to start them, the platform's workspaces say so")
        func withoutProvisioner() async throws {
            try await Fleet.with(["registry"]) { fleet in
                let created = try await fleet.api.call(.post, "/workspaces", body: ["name": "w"])
                let id = try #require(created.json["id"]?.string)
                #expect(try await fleet.api.call(.get, "/workspaces/\(id)").json["status"]?.string == "failed")
                let restart = try await fleet.api.call(.post, "/workspaces/\(id)/restart")
                #expect(restart.status == 503 && restart.json["error"]?.string == "provisioner not available")
                #expect(try await fleet.api.call(.delete, "/workspaces/\(id)").status == 200)
                #expect(try await fleet.api.call(.get, "/workspaces/\(id)/state").status == 404)
            }
        }
    }
}
