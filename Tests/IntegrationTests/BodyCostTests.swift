import Foundation
import HTTPCore
import JSONBytes
import Testing
import TestSupport

/// What a body costs the service that takes it, on every route that takes one, however it is crafted.
extension RegistryProcessTests {
    @Suite("The cost of bodies", .serialized)
    struct BodyCostTests {
        private static let services = ["registry", "a2a-proxy", "scheduler", "notifier", "sweeper"]
        private static let size = 128 << 10
        /// Processor time of a debug build on a slow machine. What is meant to be met is 20 ms a MiB in a release
        /// build; decoding by trial took seconds for a tenth of this size there.
        private static let bar = 2.0

        /// Members that are only passed on, by operation.
        private static let passedOn = [
            "POST /registry/register": ["agent_card"], "POST /registry/update-card": ["agent_card"],
            "POST /workspaces/{id}/activity": ["request_body", "response_body", "metadata", "tool_trace"],
        ]

        /// Processor time of a service so far, in seconds.
        private func spent(_ service: ServiceProcess) throws -> Double {
            let line = try String(contentsOfFile: "/proc/\(service.processID)/stat", encoding: .utf8)
            // The name in parentheses may hold blanks; the 12th and 13th words behind it are what counts.
            let words = line.split(separator: ")").last?.split(separator: " ") ?? []
            guard words.count > 12, let user = Double(words[11]), let system = Double(words[12]) else {
                throw TimedOut("no times in \(line)")
            }
            return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
        }

        /// The bodies that an operation is sent: its example with more in it.
        private func bodies(_ operation: OpenAPIOperation, _ shape: BodyShape) -> [String] {
            guard case .object(let example)? = operation.exampleBody else { return [] }
            func text(_ example: [String: JSONValue], _ more: String) -> String {
                let members = String(decoding: JSONValue.object(example).encoded.dropLast(), as: UTF8.self)
                return members + (example.isEmpty ? "" : ",") + more + "}"
            }
            let members = shape.members(Self.size)
            return [text(example, members)]
                + (Self.passedOn[operation.name] ?? []).map { name in
                    text(example.filter { $0.key != name }, #""\#(name)":{\#(members)}"#)
                }
        }

        @Test("No shape of a body costs any route more than others of its size")
        func everyRoute() async throws {
            let document = try OpenAPIDocument.read()
            try await Fleet.with(Self.services) { fleet in
                let caller = try OpenAPICaller(api: fleet.api, document: document)
                let (own, other) = (try await caller.makeWorkspace(), try await caller.makeWorkspace())
                let operations = document.operations.filter(\.takesBody)
                #expect(operations.count > 15)
                for operation in operations {
                    let index = try #require(Self.services.firstIndex { operation.tags.contains($0) }, "\(operation)")
                    let direct = try OpenAPICaller(api: fleet.apis[index], document: document)
                    for shape in BodyShape.allCases {
                        for body in bodies(operation, shape) {
                            let before = try spent(fleet.services[index])
                            let response = try await direct.call(
                                operation, on: own, and: other, as: .init(description: "", bearer: Platform.adminToken),
                                body: direct.inserted(body, own, other))
                            let cost = try spent(fleet.services[index]) - before
                            #expect(cost < Self.bar, "\(operation) \(shape): \(cost) s")
                            #expect(response.status != 500, "\(operation) \(shape): \(response.text.prefix(200))")
                        }
                    }
                }
            }
        }
    }
}
