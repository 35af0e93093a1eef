import Foundation
import HTTPCore
import JSONBytes
import Postgres
import Synchronization
import Testing
import TestSupport

extension RegistryProcessTests {
    /// What a stream says to a client whose position it does not know, and what holds streams back.
    @Suite("Positions in event streams", .serialized)
    struct StreamPositionTests {
        private struct Seen: Sendable {
            var id: Int?
            var json: JSONValue
        }

        /// Reads events until `isEnough`.
        private func watch(
            _ api: API, _ path: String, lastEventID: String? = nil, during work: @Sendable () async throws -> Void = {},
            until isEnough: @escaping @Sendable ([JSONValue]) -> Bool
        ) async throws -> [Seen] {
            let seen = Mutex<[Seen]>([])
            let headers: HTTPHeaders = lastEventID.map { ["Last-Event-ID": $0] } ?? [:]
            let reader = Task {
                try await api.stream(path, headers: headers) { block in
                    var id: Int?
                    for line in block.split(separator: "\n") {
                        if line.hasPrefix("id: ") { id = Int(line.dropFirst(4)) }
                        guard line.hasPrefix("data: ") else { continue }
                        let json = try JSONValue(decoding: Array(line.dropFirst(6).utf8))
                        seen.withLock { $0.append(Seen(id: id, json: json)) }
                    }
                    return !isEnough(seen.withLock { $0.map(\.json) })
                }
            }
            try await eventually("the first events") { seen.withLock { !$0.isEmpty } }
            try await work()
            try await reader.value
            return seen.withLock { $0 }
        }

        @Test(
            "A position that the log does not have is reported with the oldest one; the stream then goes on from now")
        func unknownPositions() async throws {
            try await Fleet.with(["registry", "notifier"]) { fleet in
                for _ in 0..<3 { _ = try await fleet.create() }
                try await fleet.sql("DELETE FROM structure_events WHERE sequence <= 2")
                let kept = try await fleet.sql("SELECT min(sequence)::int, max(sequence)::int FROM structure_events")[0]
                let (oldest, newest) = (kept.int(0), kept.int(1))
                let api = fleet.apis[1]
                // Transactions of other databases on the server hold it back.
                try await eventually("all of it can be read") {
                    try await fleet.sql(
                        """
                        SELECT bool_and(transaction_id < pg_snapshot_xmin(pg_current_snapshot())) FROM structure_events
                        """)[0].bool(0)
                }
                for (position, reason) in [
                    ("\(newest + 100_000)", "unknown position"), ("1", "older than what is kept"),
                    ("nonsense", "not a position"), ("-5", "not a position"),
                ] {
                    for (path, header) in [
                        ("/events/stream", position as String?), ("/events/stream?since=\(position)", nil),
                    ] {
                        let seen = try await watch(api, path, lastEventID: header) {
                            _ = try await fleet.create()
                        } until: {
                            $0.contains { $0["type"] == "WORKSPACE_AWAITING_AGENT" }
                        }
                        let reset = try #require(seen.first)
                        #expect(reset.json["type"] == "STREAM_RESET", "\(position)")
                        #expect(reset.json["data"]?["reason"]?.string == reason, "\(position)")
                        #expect(reset.json["data"]?["oldest"]?.int == oldest)
                        // What was there already does not come again; what comes next does.
                        let before = try #require(reset.id)
                        #expect(before >= newest)
                        #expect(seen.dropFirst().allSatisfy { ($0.id ?? .max) > before })
                        // The client resumes from there, wherever its own position was.
                        let next = try await watch(
                            api, "/events/stream", lastEventID: "\(before)", until: { !$0.isEmpty })
                        #expect(next.first?.json["type"] != "STREAM_RESET")
                        let first = seen.dropFirst().compactMap(\.id).first
                        #expect(next.first?.id == first)
                    }
                }
                let known = try await watch(api, "/events/stream?since=\(oldest)", until: { !$0.isEmpty })
                let behind = try await fleet.sql(
                    "SELECT min(sequence)::int FROM structure_events WHERE sequence > $1", [oldest])[0].int(0)
                #expect(known.first?.id == behind)
            }
        }

        @Test("A transaction that stays open holds streams back: how long is a metric, and no event is missing")
        func lag() async throws {
            try await Fleet.with(["registry", "notifier"]) { fleet in
                let api = fleet.apis[1]
                func lag() async throws -> Double {
                    let text = try await api.call(.get, "/metrics").text
                    let line = text.split(separator: "\n").first { $0.hasPrefix("switchyard_stream_log_lag_seconds ") }
                    return line?.split(separator: " ").last.flatMap { Double($0) } ?? -1
                }
                try await eventually("no lag") { try await lag() == 0 }
                let id = try await fleet.postgres.transaction(deadline: .seconds(120)) { open in
                    // A number of its own is what others wait for.
                    _ = try await open.query(Statement("", "SELECT pg_current_xact_id()::text"))
                    let id = try await fleet.create().id
                    try await eventually("a lag") { try await lag() > 0 }
                    return id
                }
                try await eventually("no lag any more") { try await lag() == 0 }
                let seen = try await watch(api, "/workspaces/\(id)/events/stream?since=0", until: { !$0.isEmpty })
                #expect(seen.first?.json["type"] == "WORKSPACE_AWAITING_AGENT")
            }
        }
    }
}
