import Foundation
import Testing

@testable import Contracts

private func json(_ value: some Encodable) throws -> String {
    String(decoding: try WireJSON.encode(value), as: UTF8.self)
}

private let id = UUID(uuid: (0xAB, 0xCD, 0xEF, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0xFF))

/// The form of every answer: compact, declared order, lower-case ids, whole numbers without a point.
@Suite struct WireEncodingTests {
    @Test func membersKeepTheirOrderAndAbsentOnesTheirForm() throws {
        let peer = PeerEntry(
            id: id, name: "a\"b\\\n\u{1}é/", role: nil, tier: 3, status: .awaitingAgent, url: "", parentID: id,
            activeTasks: 0, agentCard: RawJSON(unchecked: Array(#"{"z":1, "a":[ ]}"#.utf8)))
        #expect(
            try json(peer)
                == #"{"id":"abcdef01-0203-0405-0607-08090a0b0cff","name":"a\"b\\\n\u0001é/","role":null,"tier":3,"#
                + #""status":"awaiting_agent","url":"","parent_id":"abcdef01-0203-0405-0607-08090a0b0cff","#
                + #""active_tasks":0,"agent_card":{"z":1, "a":[ ]}}"#)
        #expect(try json(RegisterResponse()) == #"{"status":"registered"}"#)
        #expect(try json(RegisterResponse(authToken: "t")) == #"{"status":"registered","auth_token":"t"}"#)
    }

    @Test func emptyListsAndObjectsAreWritten() throws {
        #expect(try json([PeerEntry]()) == "[]")
        #expect(try json(TokenList(tokens: [], count: 0)) == #"{"tokens":[],"count":0}"#)
        #expect(try json(LivenessResponse(subsystems: [:])) == #"{"subsystems":{}}"#)
        #expect(try json(Capabilities()) == "{}")
        struct Nothing: Encodable {}
        #expect(try json([Nothing(), Nothing()]) == "[{},{}]")
    }

    @Test(arguments: [
        (0.0, "0"), (-0.0, "0"), (1.0, "1"), (0.5, "0.5"), (-2.25, "-2.25"), (1e15, "1000000000000000"),
        (1e20, "1e+20"), (1e-7, "1e-07"),
    ])
    func numbers(_ value: Double, _ text: String) throws {
        #expect(try json([value]) == "[\(text)]")
        #expect(try JSONDecoder().decode([Double].self, from: Data("[\(text)]".utf8)) == [value])
    }

    @Test func controlCharactersHaveNumericEscapes() throws {
        #expect(try json(["\u{8}\u{c}\u{1f}\t\n\r\u{7f}"]) == "[\"\\u0008\\u000c\\u001f\\t\\n\\r\u{7f}\"]")
    }

    @Test func unsignedNumbersHaveAllTheirBits() throws {
        #expect(try json([UInt64.max, 0]) == "[18446744073709551615,0]")
        #expect(try json([Int64.min]) == "[-9223372036854775808]")
    }

    @Test func infinityIsAnError() {
        #expect(throws: WireError.self) { try WireJSON.encode([Double.infinity]) }
        #expect(throws: WireError.self) { try WireJSON.encode(CanvasPosition(x: .nan)) }
    }

    @Test func oneObjectFromTwoStructs() throws {
        let summary = WorkspaceSummary(
            id: id, name: "n", tier: 2, status: .online, url: "http://a", runtime: "langgraph",
            createdAt: Date(timeIntervalSince1970: 0), updatedAt: Date(timeIntervalSince1970: 1.5))
        let detail = WorkspaceDetail(
            summary: summary, budgetLimit: nil, monthlySpend: 7, currentTask: "", lastSampleError: "e",
            workspaceDirectory: "/w", statusReason: nil)
        let redacted = try json(summary)
        let full = try json(detail)
        #expect(full.hasPrefix(redacted.dropLast()))
        #expect(
            full.dropFirst(redacted.count - 1)
                == #","budget_limit":null,"monthly_spend":7,"current_task":"","last_sample_error":"e","#
                + #""workspace_dir":"/w","status_reason":null}"#)
        #expect(redacted.contains(#""role":null"#) && redacted.contains(#""last_heartbeat_at":null"#))
        #expect(redacted.contains(#""updated_at":"1970-01-01T00:00:01.500000Z""#))
        #expect(!redacted.contains("provision_timeout_ms"))
        for secret in ["budget_limit", "monthly_spend", "current_task", "last_sample_error", "workspace_dir"] {
            #expect(!redacted.contains("\"\(secret)\":"))
        }
        #expect(try WireJSON.decode(WorkspaceDetail.self, from: full.utf8) == detail)
    }

    @Test func nestedContainersCloseInOrder() throws {
        struct Nested: Encodable {
            enum Key: String, CodingKey { case a, b, c }
            func encode(to encoder: any Encoder) throws {
                var outer = encoder.container(keyedBy: Key.self)
                var inner = outer.nestedContainer(keyedBy: Key.self, forKey: .a)
                var list = inner.nestedUnkeyedContainer(forKey: .b)
                try list.encode(1)
                try list.encode([2, 3])
                try list.encodeNil()
                try inner.encode(true, forKey: .c)
                try outer.encodeNil(forKey: .c)
            }
        }
        #expect(try json([Nested()]) == #"[{"a":{"b":[1,[2,3],null],"c":true},"c":null}]"#)
    }

    @Test func foundationUnderstandsWhatIsWritten() throws {
        let text = String((0..<0x250).compactMap(Unicode.Scalar.init).map(Character.init)) + "😀\u{2028}"
        let bytes = try WireJSON.encode(["k": text])
        #expect(try JSONDecoder().decode([String: String].self, from: Data(bytes)) == ["k": text])
    }
}
