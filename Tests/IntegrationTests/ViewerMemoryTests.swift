import Foundation
import HTTPCore
import JSONBytes
import Postgres
import Testing
import TestSupport

extension RegistryProcessTests {
    /// The memory of the notifier for clients that request much and read nothing.
    @Suite("Memory of the notifier", .serialized)
    struct ViewerMemoryTests {
        /// Waits until a process takes no more memory and has nothing to do.
        private func settledMemory(of process: ServiceProcess) async throws -> Int {
            var (last, busy, same) = (0, 0, 0)
            try await eventually("the memory to settle") {
                let now = try ProcessMemory.resident(process)
                let ticks = try ProcessMemory.processorTicks(process)
                // An idle one wakes up now and then; one that is busy uses most of a core.
                if abs(now - last) > 1 << 20 || ticks - busy > 30 { (last, busy, same) = (now, ticks, 0) }
                same += 1
                return same == 100
            }
            return last
        }

        @Test("Streams that replay much and are not read take a little of it each; who reads gets all")
        func unreadReplays() async throws {
            try await Fleet.with(["registry", "notifier"]) { fleet in
                let (id, token) = try await fleet.create()
                try await fleet.sql(
                    """
                    INSERT INTO structure_events (type, workspace_id, source, data)
                    SELECT 'agent_card.updated', $1::uuid, 'test',
                        json_build_object('card', repeat(n::text || 'x', 300000))
                    FROM generate_series(10, 49) AS n
                    """, [id])
                let (notifier, path) = (fleet.services[1], "/workspaces/\(id)/events/stream?since=1")
                let before = try await settledMemory(of: notifier)
                let clients = try (0..<8).map { _ in try SlowReader(port: notifier.port, path: path, bearer: token) }
                for client in clients {
                    let isOpen = try await onThread { client.read(until: ": ping") }
                    #expect(isOpen)
                }
                let after = try await settledMemory(of: notifier)
                #expect(after - before < 60 << 20, "\((after - before) >> 20) MiB for 8 streams of 35 MiB each")
                for client in clients { client.close() }
                let reader = try SlowReader(port: notifier.port, path: path, bearer: token)
                defer { reader.close() }
                let count = try await onThread { reader.count(of: "AGENT_CARD_UPDATED", upTo: 40) }
                #expect(count == 40)
            }
        }

        @Test("Lists that are not read take no more than the caller's part; others are served")
        func unreadLists() async throws {
            let settings = ["NOTIFIER_RESPONSE_BUDGET_BYTES": "\(64 << 20)"]
            try await Fleet.with(["registry", "notifier"], environment: settings) { fleet in
                let (one, other) = (try await fleet.create(), try await fleet.create())
                for id in [one.id, other.id] {
                    try await fleet.sql(
                        """
                        INSERT INTO activity_logs (workspace_id, activity_type, response_body)
                        SELECT $1::uuid, 'agent_log', to_json(repeat(n::text || 'x', 300000))
                        FROM generate_series(10, 49) AS n
                        """, [id])
                }
                let notifier = fleet.services[1]
                let before = try await settledMemory(of: notifier)
                let path = "/workspaces/\(one.id)/activity?limit=500"
                let clients = try (0..<12).map { _ in
                    try SlowReader(port: notifier.port, path: path, bearer: one.token)
                }
                defer { for client in clients { client.close() } }
                var statuses: [Int?] = []
                for client in clients { statuses.append(try await onThread { client.status() }) }
                // An eighth of 64 MiB fits two pages of 4 MiB.
                #expect(statuses.count { $0 == 429 } >= 8, "\(statuses)")
                #expect(statuses.allSatisfy { $0 == 429 || $0 == 200 }, "\(statuses)")
                let after = try await settledMemory(of: notifier)
                #expect(after - before < 120 << 20, "\((after - before) >> 20) MiB")
                let page = try await fleet.apis[1].call(
                    .get, "/workspaces/\(other.id)/activity?limit=500", bearer: other.token)
                #expect(page.status == 200 && (page.json.array?.count ?? 0) >= 4)
                #expect(page.headers["x-next-before"] != nil)
            }
        }

        @Test("Streams are counted: by workspace, and all of them")
        func streams() async throws {
            let settings = ["NOTIFIER_STREAMS": "5", "NOTIFIER_STREAMS_PER_WORKSPACE": "3"]
            try await Fleet.with(["registry", "notifier"], environment: settings) { fleet in
                let (id, token) = try await fleet.create()
                let port = fleet.services[1].port
                func open(_ path: String, _ bearer: String) async throws -> (client: SlowReader, status: Int?) {
                    let client = try SlowReader(port: port, path: path, bearer: bearer)
                    return (client, try await onThread { client.status() })
                }
                let own = "/workspaces/\(id)/events/stream"
                var clients: [SlowReader] = []
                defer { for client in clients { client.close() } }
                for wanted in [200, 200, 200, 429, 429] {
                    let (client, status) = try await open(own, token)
                    #expect(status == wanted)
                    if status == 200 { clients.append(client) } else { client.close() }
                }
                for wanted in [200, 200, 503] {
                    let (client, status) = try await open("/events/stream", Platform.adminToken)
                    #expect(status == wanted)
                    clients.append(client)
                }
                let refused = try await fleet.apis[1].call(.get, own, bearer: token)
                #expect(refused.status == 429 && refused.headers["retry-after"] != nil)
                #expect(refused.json["error"] == "too many open streams")
                // A place is free again when a client has gone.
                clients.removeFirst().close()
                try await eventually("a place") {
                    let (client, status) = try await open(own, token)
                    if status == 200 { clients.append(client) } else { client.close() }
                    return status == 200
                }
            }
        }
    }
}
