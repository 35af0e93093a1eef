import Concurrency
import Foundation
import HTTPCore
import JSONBytes
import Testing
import TestSupport
import UVHTTPServer

extension RegistryProcessTests {
    /// Starts that take long, as where an image is pulled.
    @Suite("Starts that take long", .serialized)
    struct LifecyclePlacesTests {
        /// The control plane responds to starts when the gate opens; to everything else at once.
        private func hold(_ machines: Machines, _ gate: Gate) {
            machines.plane.respond { request in
                guard request.method == .put else { return Response(.noContent) }
                await gate.wait()
                return .json(.ok) { $0.member("url", "http://10.0.0.7:8000/late") }
            }
        }

        private func create(_ machines: Machines) async throws -> String {
            let created = try await machines.fleet.api.call(.post, "/workspaces", body: ["name": "w"])
            return try #require(created.json["id"]?.string)
        }

        @Test("However many there are, a delete does not wait for them", .timeLimit(.minutes(5)))
        func stopsDoNotWait() async throws {
            try await Machines.with { machines in
                let running = try await machines.started().id
                let gate = Gate()
                hold(machines, gate)
                // Sixteen places in each of the two registries.
                for _ in 0..<40 { _ = try await create(machines) }
                try await eventually("every place for starts to be taken") { machines.starts == 1 + 32 }
                let deleted = try await machines.fleet.api.call(.delete, "/workspaces/\(running)")
                #expect(deleted.status == 200)
                #expect(machines.plane.received.contains("DELETE /volumes/\(machines.name(running))-configs"))
                #expect(machines.starts == 33, "while all of them were under way")
                gate.open()
            }
        }

        @Test("One whose workspace is deleted meanwhile ends with the removal of what it started")
        func removedMeanwhile() async throws {
            try await Machines.with { machines in
                let gate = Gate()
                hold(machines, gate)
                let id = try await create(machines)
                try await eventually("the start to begin") { machines.starts == 1 }
                async let deletion = machines.fleet.apis[1].call(.delete, "/workspaces/\(id)", within: .seconds(60))
                try await eventually("it to be removed") { try await machines.status(id) == "removed" }
                #expect(machines.plane.received.count == 1, "its volume is not touched while it may be in use")
                gate.open()
                #expect(try await deletion.status == 200)
                let name = machines.name(id)
                #expect(
                    machines.plane.received.map { $0.split(separator: "?").first.map(String.init) ?? $0 } == [
                        "PUT /machines/\(name)", "DELETE /machines/\(name)", "DELETE /volumes/\(name)-configs",
                    ])
                #expect(try await machines.workspace(id)["url"]?.string == "")
            }
        }
    }
}
