import Foundation
import HTTPCore
import JSONBytes
import Postgres
import Testing
import TestSupport

extension A2AHostilityTests {
    /// The known weaknesses of the system that this one replaces, as far as they concern messages: each has a test that
    /// bears its name. That an address is checked and then resolved again is `HTTPClientTests/RebindingTests`' matter.
    @Suite("Known weaknesses that are gone", .serialized)
    struct KnownWeaknessTests {
        private static let key = "0123456789abcdef0123456789abcdef"

        /// A message that waits because the agent is busy.
        private func queue(
            _ message: String, for workspace: (id: String, token: String), _ fleet: A2AFleet
        ) async throws -> String {
            let response = try await fleet.proxies[0].send("work", to: workspace.id, id: message)
            #expect(response.status == 202, "\(response.text)")
            return try #require(response.json["queue_id"]?.string)
        }

        @Test("A drained message is dropped when the target is still busy")
        func drainedToABusyTarget() async throws {
            try await A2AFleet.with { fleet in
                let agent = try WorkingAgent()
                defer { agent.stop() }
                agent.isBusy = true
                let workspace = try await fleet.workspace(agent.url)
                try await fleet.beat(workspace)
                let id = try await queue("busy", for: workspace, fleet)
                for round in 1...3 {
                    try await fleet.beat(workspace)
                    let item = try await fleet.item(id, "try number \(round)") {
                        $0.claims == round && $0.status == "queued"
                    }
                    #expect(item.attempts == 0)
                    // Its own idempotency key still stands for it, and for nothing else.
                    let again = try await fleet.proxies[1].send("work", to: workspace.id, id: "busy")
                    #expect(again.json["queue_id"]?.string == id)
                }
                agent.isBusy = false
                try await fleet.beat(workspace)
                try await fleet.item(id, "the message to arrive") { $0.status == "completed" }
                #expect(agent.done == ["busy"])
                #expect(agent.violations.isEmpty)
            }
        }

        @Test("Dispatched rows are never recovered after a crash")
        func dispatchedAtACrash() async throws {
            try await A2AFleet.with(["A2A_IDLE_TIMEOUT_SECONDS": "60"]) { fleet in
                let agent = try WorkingAgent()
                defer { agent.stop() }
                agent.isBusy = true
                let workspace = try await fleet.workspace(agent.url)
                let id = try await queue("crashed", for: workspace, fleet)
                agent.isBusy = false
                agent.holdsFirst = true
                try await fleet.beat(workspace)
                try await eventually("the agent to work") { agent.isRunning("crashed") }
                for proxy in fleet.proxyProcesses { await proxy.kill9() }
                let heir = try await fleet.fleet.launch("a2a-proxy")
                let item = try await fleet.item(id, "the message to arrive") { $0.status == "completed" }
                #expect(item.claims >= 2)
                #expect(agent.violations.isEmpty, "\(agent.violations)")
                await heir.kill9()
            }
        }

        @Test("One drained item per heartbeat", arguments: [1, 3])
        func oneItemPerHeartbeat(capacity: Int) async throws {
            try await A2AFleet.with { fleet in
                let agent = try WorkingAgent()
                defer { agent.stop() }
                agent.isBusy = true
                let workspace = try await fleet.workspace(agent.url, capacity: capacity)
                try await fleet.beat(workspace)
                for number in 0..<20 { _ = try await queue("message \(number)", for: workspace, fleet) }
                agent.isBusy = false
                try await fleet.beat(workspace)
                try await eventually("all of them to arrive after one heartbeat") { agent.done.count == 20 }
                #expect(agent.mostAtOnce <= capacity)
                #expect(agent.violations.isEmpty)
            }
        }

        @Test("A missing header skips authentication", arguments: ["production", "development"])
        func missingHeader(mode: String) async throws {
            try await A2AFleet.with(["MOLECULE_ENV": mode, "SECRETS_ENCRYPTION_KEY": Self.key]) { fleet in
                let target = try await fleet.fleet.create()
                let path = "/workspaces/\(target.id)"
                let missing = "00000000-0000-4000-8000-000000000000"
                let message: JSONValue = ["method": "message/send", "params": ["message": ["parts": []]]]
                for proxy in fleet.proxies {
                    if mode == "production" {
                        #expect(try await proxy.call(.post, path + "/a2a", bearer: nil, body: message).status == 401)
                        #expect(
                            try await proxy.call(.post, "/agents/\(target.id)", bearer: nil, body: message).status
                                == 401)
                    }
                    let caller: HTTPHeaders = ["X-Workspace-ID": target.id]
                    let unnamed = try await proxy.call(
                        .post, path + "/a2a", bearer: nil, body: message, headers: caller)
                    #expect(unnamed.status == 401)
                    #expect(unnamed.json["error"]?.string == "missing caller auth token")
                    let delegation: JSONValue = ["target_id": .string(missing), "task": "x"]
                    let reads: [(HTTPMethod, String)] = [
                        (.get, path + "/delegations"), (.get, path + "/queue"), (.get, "/queue/\(missing)"),
                        (.post, "/admin/a2a-queue/drop-stale"), (.post, "/admin/a2a-queue/\(missing)/retry"),
                        (.delete, path + "/queue/\(missing)"),
                    ]
                    for (method, path) in reads {
                        #expect(try await proxy.call(method, path, bearer: nil).status == 401, "\(method) \(path)")
                    }
                    #expect(
                        try await proxy.call(.post, path + "/delegate", bearer: nil, body: delegation).status == 401)
                }
            }
        }

        @Test("A store error admits every caller")
        func storeError() async throws {
            let postgres = try await PostgresServer.start()
            let url = try await postgres.makeMigratedDatabase("closed")
            try await A2AFleet.with(["DATABASE_URL": url]) { fleet in
                let agent = try WorkingAgent()
                defer { agent.stop() }
                let workspace = try await fleet.workspace(agent.url)
                await postgres.kill()
                for bearer in ["wrong", Platform.adminToken] {
                    for caller in [workspace.id, nil] {
                        let headers: HTTPHeaders = caller.map { ["X-Workspace-ID": $0] } ?? [:]
                        let response = try await fleet.proxies[0].call(
                            .post, "/workspaces/\(workspace.id)/a2a", bearer: bearer,
                            body: ["method": "message/send"], headers: headers)
                        let shown = "\(bearer) \(caller ?? "console"): \(response.status) \(response.text)"
                        #expect(response.status == 503, "\(shown)")
                        #expect(response.json["code"]?.string == "platform_unavailable", "\(shown)")
                    }
                }
                let list = try await fleet.proxies[0].call(
                    .get, "/workspaces/\(workspace.id)/queue", bearer: "wrong")
                #expect(list.status == 503)
                #expect(agent.done.isEmpty)
            }
            await postgres.kill()
        }

        @Test("Bodies over the limit are cut instead of refused")
        func overTheLimit() async throws {
            try await A2AFleet.with { fleet in
                let agent = try HostileAgent { peer, request in peer.respond("{\"length\":\(request.body.utf8.count)}")
                }
                defer { agent.stop() }
                let workspace = try await fleet.workspace(agent.url)
                let start = #"{"jsonrpc":"2.0","id":1,"method":"x","params":""#
                func body(of size: Int) -> [UInt8] {
                    Array((start + String(repeating: "y", count: size - start.utf8.count - 2) + "\"}").utf8)
                }
                let path = "/workspaces/\(workspace.id)/a2a"
                for (size, status) in [(1 << 20, 200), (1 << 20 + 1, 413), (8 << 20, 413)] {
                    let response = try await fleet.proxies[0].raw(
                        .post, path, bearer: Platform.adminToken, body: body(of: size), type: "application/json",
                        headers: [])
                    #expect(response.status == status, "\(size): \(response.text)")
                    if status == 200 { #expect(response.json["length"]?.int == size) }
                }
                #expect(agent.requests.count == 1)
            }
        }

        @Test("A delegation dies with the process that accepted it")
        func delegationOutlivesItsProcess() async throws {
            try await A2AFleet.with(["A2A_IDLE_TIMEOUT_SECONDS": "60"]) { fleet in
                let agent = try WorkingAgent()
                defer { agent.stop() }
                // Whatever its process could do with it before it died, it was not finished.
                agent.isBusy = true
                let source = try await fleet.workspace(agent.url)
                let target = try await fleet.workspace(agent.url)
                let response = try await fleet.proxies[0].call(
                    .post, "/workspaces/\(source.id)/delegate", bearer: source.token,
                    body: ["target_id": .string(target.id), "task": "outlive"])
                await fleet.proxyProcesses[0].kill9()
                agent.isBusy = false
                #expect(response.status == 202)
                let id = try #require(response.json["delegation_id"]?.string)
                try await eventually("the other proxy to see it through") {
                    try await fleet.beat(target)
                    let delegation = try await fleet.proxies[1].call(
                        .get, "/workspaces/\(source.id)/delegations/\(id)", bearer: source.token)
                    return delegation.json["status"]?.string == "completed"
                }
                #expect(agent.violations.isEmpty, "\(agent.violations)")
            }
        }
    }
}
