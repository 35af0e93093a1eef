import Foundation
import HTTPCore
import JSONBytes
import Testing
import TestSupport

extension PlatformTests {
    @Suite("The main job, end to end", .serialized)
    struct MainJobTests {
        @Test("The demo's walk with our agent and an independent Python one, two instances of proxy and registry")
        func demo() async throws {
            let environment = ProcessInfo.processInfo.environment
            let python = try #require(
                environment["SWITCHYARD_PYTHON"], "run the tests with ./dev test, which makes the Python environment")
            let platform = try await Platform.start(scale: ["a2a-proxy": 2, "registry": 2])
            let output = try await Leash.run(
                [
                    "python3", Repository.path("Examples/demo.py"), "--platform", platform.url, "--admin-token",
                    Platform.adminToken, "--echo-agent", try ServiceProcess.executable("echo-agent"), "--python-agent",
                    "\(python) \(Repository.path("Examples/PythonAgent/agent.py"))", "--heartbeat", "1",
                ], environment: ["PATH": environment["PATH"] ?? "/usr/bin:/bin", "HOME": NSHomeDirectory()])
            #expect(output.contains("wedge") || output.contains("degraded"))
            await platform.stop()
        }

        @Test("Send, busy, queued, drained on the next heartbeat, wedged, recovered; the stream shows it")
        func walk() async throws {
            let platform = try await Platform.start()
            let agent = try await EchoAgentProcess.start(on: platform)
            let api = platform.api

            let completed = try await api.message("hello", to: agent.id)
            #expect(completed.status == 200)
            #expect(completed.json["result"]?["parts"]?[0]?["text"]?.string == "echo: hello")

            try await agent.command("busy on")
            let queued = try await api.message("later", to: agent.id, id: "message-later")
            #expect(queued.status == 202)
            #expect(queued.json["queued"]?.bool == true)
            let queueID = try #require(queued.json["queue_id"]?.string)
            // The same message once more is the same item.
            let again = try await api.message("later", to: agent.id, id: "message-later")
            #expect(again.json["queue_id"]?.string == queueID)
            #expect(try await api.call(.get, "/queue/\(queueID)").json["status"]?.string != "completed")

            try await agent.command("busy off")
            try await eventually("the queued message to be delivered") {
                try await api.call(.get, "/queue/\(queueID)").json["status"]?.string == "completed"
            }
            let item = try await api.call(.get, "/queue/\(queueID)")
            #expect(item.text.contains("echo: later"))
            #expect(try await agent.received().filter { $0.text == "later" }.count == 1)

            try await agent.command("wedge the SDK is stuck")
            try await eventually("the agent to be degraded") {
                try await api.status(of: agent.id) == "degraded"
            }
            let degraded = try await api.call(.get, "/workspaces/\(agent.id)")
            #expect(degraded.json["last_sample_error"]?.string == "the SDK is stuck")
            try await agent.command("unwedge")
            try await eventually("the agent to recover") {
                try await api.status(of: agent.id) == "online"
            }

            let events = try await api.call(.get, "/events/\(agent.id)")
            let types = (events.json.array ?? []).compactMap { $0["event_type"]?.string }
            for type in ["WORKSPACE_ONLINE", "WORKSPACE_DEGRADED", "A2A_QUEUED", "A2A_COMPLETED"] {
                #expect(types.contains(type), "\(type) is missing from \(types)")
            }
            await agent.stop()
            await platform.stop()
        }
    }
}
