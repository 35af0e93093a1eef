import A2AProxy
import ActivityFeed
import Contracts
import Foundation
import Postgres
import Testing
import TestSupport

@Suite("Rows of the feed") struct ActivityTests {
    private static func fullRow(of workspace: UUID) -> ActivityRow {
        var row = ActivityRow(workspace: workspace, type: .a2aReceive, summary: "message/send → \"quoted\"\n\u{1F600}")
        row.source = UUID()
        row.target = workspace
        row.method = "message/\0send"
        row.durationMilliseconds = 1234
        row.status = "error"
        row.error = "went\twrong \\ / here"
        return row
    }

    @Test("Their event is what the type would write", arguments: [false, true])
    func event(isFull: Bool) throws {
        let row =
            isFull ? Self.fullRow(of: UUID()) : ActivityRow(workspace: UUID(), type: .delegation, summary: "plain")
        let typed = ActivityLogged(
            id: row.id, workspaceID: row.workspace, activityType: row.type, sourceID: row.source,
            targetID: row.target, method: row.method, summary: row.summary, status: row.status,
            durationMilliseconds: row.durationMilliseconds, errorDetail: row.error, createdAt: row.createdAt)
        let expected = try WireJSON.encode(typed)
        #expect(String(decoding: row.event.bytes, as: UTF8.self) == String(decoding: expected, as: UTF8.self))
    }

    private static let stored = Statement(
        "test_activity",
        """
        SELECT id, source_id, target_id, method, summary, request_body, response_body, status, duration_ms, error_detail,
          tool_trace, input_tokens, output_tokens, created_at
        FROM activity_logs WHERE workspace_id = $1 ORDER BY created_at
        """)

    @Test("They come back as they were written: bodies byte for byte, what is no JSON as a string, no NUL in text")
    func copying() async throws {
        try await QueueFixture.with { fixture in
            let workspace = try await fixture.workspace()
            var full = Self.fullRow(of: workspace)
            let response = #"{ "result":{"metadata":{"tool_trace":[1]},"usage":{"input_tokens":3,"output_tokens":4}}}"#
            full.request = Array(#"{"a": "\\\u0000\t"}"#.utf8)
            full.response = Array(response.utf8)
            full.createdAt = Date(timeIntervalSince1970: 1_800_000_000.123456)
            var bare = ActivityRow(workspace: workspace, type: .a2aReceive, summary: "bare")
            bare.response = [0x22, 0xFF, 0x00]
            bare.createdAt = full.createdAt.addingTimeInterval(1)
            var withoutBodies = full
            withoutBodies.id = UUID()
            withoutBodies.keepsBodies = false
            withoutBodies.createdAt = full.createdAt.addingTimeInterval(2)
            try await ActivityLogStore(postgres: fixture.postgres).copy([full, bare, withoutBodies])
            let rows = try await fixture.postgres.query(Self.stored, [workspace])
            try #require(rows.count == 3)
            #expect(rows[0].uuid(0) == full.id && rows[0].uuid(1) == full.source && rows[0].uuid(2) == workspace)
            #expect(rows[0].string(3) == "message/\u{FFFD}send" && rows[0].string(4) == full.summary)
            #expect(rows[0].string(5) == #"{"a": "\\\u0000\t"}"# && rows[0].string(6) == response)
            #expect(rows[0].string(7) == "error" && rows[0].int(8) == 1234 && rows[0].string(9) == full.error)
            #expect(rows[0].string(10) == "[1]" && rows[0].int(11) == 3 && rows[0].int(12) == 4)
            #expect(abs(rows[0].date(13).timeIntervalSince(full.createdAt)) < 0.000_002)
            #expect(rows[1].string(6) == "\"\\\"\u{FFFD}\\u0000\"" && rows[1].optionalString(5) == nil)
            #expect(rows[1].optionalInt(8) == nil && rows[1].optionalString(10) == nil)
            #expect(rows[2].optionalString(6) == nil && rows[2].string(10) == "[1]")
        }
    }
}
