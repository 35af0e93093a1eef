import Foundation
import HTTPCore
import JSONBytes
import Postgres
import Synchronization
import Testing
import TestSupport
import UVHTTPServer

/// What remains of a call: its row in the feed, who called last, and its event for the console.
@Suite("Records of calls", .serialized)
struct CallRecordTests {
    private static let rows = """
        SELECT source_id::text, target_id::text, method, summary, request_body::text, response_body::text, status,
          duration_ms, tool_trace::text, input_tokens, output_tokens, error_detail
        FROM activity_logs WHERE workspace_id = $1::uuid AND activity_type = 'a2a_receive' ORDER BY created_at
        """

    @Test("A row has the call's parties, bodies, trace and tokens; the caller's last call is noted")
    func row() async throws {
        try await Fleet.with(["a2a-proxy", "registry"]) { fleet in
            try await fleet.withAgents(2, registry: fleet.apis[1]) { agents in
                let (source, target) = (agents[0], agents[1])
                target.does { _ in
                    .json(
                        bytes: Array(
                            #"""
                            {"jsonrpc":"2.0","id":1,"result":{"parts":[],"metadata":{"tool_trace":[{"tool":"ls"}]},
                             "usage":{"prompt_tokens":11,"completion_tokens":7}}}
                            """#.utf8))
                }
                #expect(try await fleet.api.message("hello", to: target.id, from: source.caller).status == 200)
                target.does { _ in .error(.badRequest, "no such skill") }
                #expect(try await fleet.api.message("bad", to: target.id).status == 400)
                try await eventually("the rows to be written") {
                    try await fleet.sql(Self.rows, [target.id]).count == 2
                }
                let rows = try await fleet.sql(Self.rows, [target.id])
                let good = rows[0]
                #expect(good.optionalString(0) == source.id)
                #expect(good.optionalString(1) == target.id)
                #expect(good.string(2) == "message/send")
                #expect(good.string(3) == "message/send → \(target.id)")
                #expect(good.string(4).contains(#""text":"hello""#))
                #expect(good.string(5).contains("prompt_tokens"))
                #expect(good.string(6) == "ok")
                #expect(good.int(7) >= 0)
                #expect(good.string(8) == #"[{"tool":"ls"}]"#)
                #expect(good.int(9) == 11 && good.int(10) == 7)
                #expect(rows[1].optionalString(0) == nil)
                #expect(rows[1].string(6) == "error")
                #expect(rows[1].string(11) == "no such skill")
                try await eventually("the last call to be noted") {
                    try await fleet.sql(
                        "SELECT last_outbound_at > now() - interval '1 minute' FROM workspace_vitals WHERE workspace_id = $1::uuid",
                        [source.id])[0].optionalBool(0) == true
                }
                let received = try await fleet.sql(
                    "SELECT last_outbound_at IS NULL FROM workspace_vitals WHERE workspace_id = $1::uuid", [target.id])
                #expect(received[0].bool(0))
            }
        }
    }

    @Test("A message that waited has both its rows, and its sender and the console get the same as of any other")
    func waited() async throws {
        try await Fleet.with(["a2a-proxy", "registry", "notifier"]) { fleet in
            try await fleet.withAgents(2, registry: fleet.apis[1]) { agents in
                let (source, target) = (agents[0], agents[1])
                let seen = Mutex("")
                let viewer = Task {
                    try await fleet.apis[2].stream("/events/stream?types=A2A_RESPONSE", headers: [:]) { block in
                        seen.withLock { $0 += block }
                        return true
                    }
                }
                defer { viewer.cancel() }
                try await eventually("the viewer to be there") {
                    _ = try await fleet.api.message("first", to: source.id)
                    return seen.withLock { $0.contains("echo: first") }
                }
                try await target.beat(fleet.apis[1])
                target.does(ScriptedAgent.busy)
                #expect(try await fleet.api.message("from an agent", to: target.id, from: source.caller).status == 202)
                #expect(try await fleet.api.message("from a person", to: target.id).status == 202)
                target.does(ScriptedAgent.echo)
                try await target.beat(fleet.apis[1])
                try await eventually("all rows") { try await fleet.sql(Self.rows, [target.id]).count == 4 }
                let rows = try await fleet.sql(Self.rows, [target.id])
                for (text, sender) in [("from an agent", source.id), ("from a person", nil)] {
                    let own = rows.all.filter { $0.optionalString(4)?.contains(text) == true }
                    #expect(own.map { $0.string(6) } == ["queued", "ok"])
                    #expect(own.allSatisfy { $0.optionalString(0) == sender })
                    #expect(own.last?.string(5).contains("echo: \(text)") == true)
                    #expect(own.first?.optionalString(11) == "the agent answered 503")
                }
                try await eventually("the person's response") { seen.withLock { $0.contains("echo: from a person") } }
                #expect(!seen.withLock { $0.contains("from an agent") })
                try await eventually("the sender's last call to be noted") {
                    try await fleet.sql(
                        "SELECT last_outbound_at IS NOT NULL FROM workspace_vitals WHERE workspace_id = $1::uuid",
                        [source.id])[0].bool(0)
                }
            }
        }
    }

    @Test("Rows can be kept without bodies, or not at all")
    func levels() async throws {
        for (level, count) in [("summary", 1), ("off", 0)] {
            try await Fleet.with(["a2a-proxy", "registry"], environment: ["A2A_ACTIVITY": level]) { fleet in
                try await fleet.withAgents(1, registry: fleet.apis[1]) { agents in
                    #expect(try await fleet.api.message("hello", to: agents[0].id).status == 200)
                    // Everything that was queued is written by then.
                    #expect(await fleet.services[0].terminate() == 0)
                    let rows = try await fleet.sql(Self.rows, [agents[0].id])
                    #expect(rows.count == count)
                    #expect(rows.all.allSatisfy { $0.optionalString(4) == nil && $0.optionalString(5) == nil })
                }
            }
        }
    }

    @Test("The console gets the events of its own calls' responses, and of no others")
    func console() async throws {
        try await Fleet.with(["a2a-proxy", "registry", "notifier"]) { fleet in
            try await fleet.withAgents(2, registry: fleet.apis[1]) { agents in
                let (source, target) = (agents[0], agents[1])
                let seen = Mutex<[String]>([])
                let viewer = Task {
                    try await fleet.apis[2].stream("/events/stream?types=A2A_RESPONSE", headers: [:]) { block in
                        seen.withLock { $0.append(String(block)) }
                        return true
                    }
                }
                // Nothing of it is kept for viewers that come later.
                try await eventually("the viewer to be there") {
                    _ = try await fleet.api.message("first", to: target.id)
                    return seen.withLock { $0.contains { $0.contains("echo: first") } }
                }
                #expect(try await fleet.api.message("from an agent", to: target.id, from: source.caller).status == 200)
                #expect(try await fleet.api.message("from a person", to: target.id).status == 200)
                try await eventually("the person's response") {
                    seen.withLock { $0.contains { $0.contains("echo: from a person") } }
                }
                viewer.cancel()
                let blocks = seen.withLock { $0 }
                #expect(!blocks.contains { $0.contains("from an agent") })
                let last = try #require(blocks.last { $0.contains("echo: from a person") })
                #expect(last.contains("A2A_RESPONSE"))
                #expect(last.contains(#""method":"message/send""#))
                #expect(last.contains(#""duration_ms":"#))
            }
        }
    }
}
