import Contracts
import Foundation
import HTTPCore
import Testing
import UVHTTPServer

@testable import Registry

@Suite("Heartbeat bodies")
struct HeartbeatBodyTests {
    private static let id = "11111111-1111-4111-8111-111111111111"

    @Test("Only the workspace is required; everything else counts as 0 and empty")
    func minimal() throws {
        let beat = try Heartbeat(body: Array(#"{"workspace_id":"\#(Self.id)"}"#.utf8))
        #expect(beat.activeTasks == 0 && beat.currentTask.isEmpty && beat.errorRate == 0 && beat.metadata == nil)
    }

    @Test("What is out of range is clamped, what Postgres cannot store is replaced")
    func clamping() throws {
        let body = #"""
            {"workspace_id":"\#(Self.id)","error_rate":7,"active_tasks":-3,"uptime_seconds":1e3,
             "monthly_spend":99999999999999999,"sample_error":"a\u0000b","unknown":[1],
             "runtime_metadata":{"capabilities":{"session":true,"retry":false,"odd":true},"idle_timeout_seconds":0}}
            """#
        let beat = try Heartbeat(body: Array(body.utf8))
        #expect(beat.errorRate == 1 && beat.activeTasks == 0 && beat.uptimeSeconds == 1000)
        #expect(beat.monthlySpend == 1_000_000_000_000)
        #expect(beat.sampleError == "a\u{FFFD}b")
        #expect(beat.metadata == .init(capabilities: .session, idleTimeoutSeconds: nil))
    }

    @Test(
        "Spending is clamped however far a counter ran away, and no news is 0",
        arguments: [
            ("1e30", 1_000_000_000_000), ("-5", 0), ("0", 0), ("12.9", 12), ("null", 0),
            ("1e999", 1_000_000_000_000), ("-1e999", 0), ("1000000000000", 1_000_000_000_000),
            ("999999999999", 999_999_999_999),
        ])
    func spending(text: String, cents: Int) throws {
        let beat = try Heartbeat(body: Array(#"{"workspace_id":"\#(Self.id)","monthly_spend":\#(text)}"#.utf8))
        #expect(beat.monthlySpend == cents)
    }

    @Test("Counters that ran away are clamped")
    func runaways() throws {
        let body = #"""
            {"workspace_id":"\#(Self.id)","error_rate":1e999,"active_tasks":99999999999999999999,
             "uptime_seconds":1e999,"runtime_metadata":{"idle_timeout_seconds":1e400}}
            """#
        let beat = try Heartbeat(body: Array(body.utf8))
        #expect(beat.errorRate == 1 && beat.activeTasks == Int(Int32.max) && beat.uptimeSeconds == .max)
        #expect(beat.metadata?.idleTimeoutSeconds == Int(Int32.max))
    }

    @Test("Texts are cut, by scalars: one character may have a million of them")
    func cutting() throws {
        let text = "e" + String(repeating: "\u{301}", count: 5000)
        let body = #"""
            {"workspace_id":"\#(Self.id)","current_task":"\#(text)","sample_error":"\#(text)","runtime_state":"\#(text)"}
            """#
        let beat = try Heartbeat(body: Array(body.utf8))
        #expect(beat.currentTask.unicodeScalars.count == 1000)
        #expect(beat.sampleError.unicodeScalars.count == 2000)
        #expect(beat.runtimeState.unicodeScalars.count == 100)
        #expect(beat.weight < 7000)
    }

    @Test("Every capability that the contract names is read")
    func capabilities() throws {
        #expect(Heartbeat.capabilityNames.map(\.description) == Capabilities.names.map(\.name))
        let all = Capabilities.names.map { #""\#($0.name)":true"# }.joined(separator: ",")
        let body = #"{"workspace_id":"\#(Self.id)","runtime_metadata":{"capabilities":{\#(all)}}}"#
        let named = try Heartbeat(body: Array(body.utf8)).metadata?.capabilities
        #expect(named == Capabilities(Capabilities.names.map(\.capability)))
    }

    @Test(
        "A wrong field is named",
        arguments: [
            ("[]", nil), ("{", nil), ("{}", "workspace_id"), (#"{"workspace_id":7}"#, "workspace_id"),
            (#"{"workspace_id":"x"}"#, "workspace_id"),
            (#"{"workspace_id":"\#(id)","active_tasks":"1"}"#, "active_tasks"),
            (#"{"workspace_id":"\#(id)","error_rate":true}"#, "error_rate"),
            (#"{"workspace_id":"\#(id)","current_task":{}}"#, "current_task"),
            (#"{"workspace_id":"\#(id)","runtime_metadata":1}"#, "runtime_metadata"),
            (#"{"workspace_id":"\#(id)","workspace_id":"\#(id)"}"#, "workspace_id"),
            (#"{"workspace_id":"\#(id)","active_tasks":1,"active_t\u0061sks":0}"#, "active_tasks"),
            (#"{"workspace_id":"\#(id)","runtime_metadata":{},"runtime_metadata":null}"#, "runtime_metadata"),
            (
                #"{"workspace_id":"\#(id)","runtime_metadata":{"capabilities":{"session":true,"session":false}}}"#,
                "session"
            ),
        ] as [(String, String?)])
    func refused(body: String, field: String?) {
        let error = #expect(throws: APIError.self) { try Heartbeat(body: Array(body.utf8)) }
        #expect(error?.status == .badRequest)
        #expect(error?.field == field)
    }
}
