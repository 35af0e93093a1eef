import Foundation
import HTTPCore
import JSONBytes
import Postgres
import Synchronization
import Testing
import TestSupport

/// Notifications that agents send to their users, and the feed that shows them.
@Suite("Notifications and the feed", .serialized)
struct FeedTests {
    private typealias Workspace = (id: String, token: String)

    /// The registry is `fleet.api`; the body gets a notifier.
    private func with(_ body: (Fleet, API, Workspace) async throws -> Void) async throws {
        try await Fleet.with(["registry", "notifier"]) { fleet in
            try await body(fleet, fleet.apis[1], try await fleet.create(["name": "the agent"]))
        }
    }

    private func post(_ api: API, _ workspace: Workspace, _ path: String, _ body: JSONValue) async throws
        -> API.ReceivedResponse
    {
        try await api.call(.post, "/workspaces/\(workspace.id)/\(path)", bearer: workspace.token, body: body)
    }

    private func feed(_ api: API, _ workspace: Workspace, _ query: String = "") async throws -> [JSONValue] {
        try await page(api, workspace, query).rows
    }

    /// - Returns: and the response's cursor of the next page.
    private func page(
        _ api: API, _ workspace: Workspace, _ query: String
    ) async throws -> (rows: [JSONValue], nextBefore: String?) {
        let response = try await api.call(
            .get, "/workspaces/\(workspace.id)/activity\(query)", bearer: workspace.token)
        #expect(response.status == 200, "\(response.text)")
        return (try #require(response.json.array), response.headers["x-next-before"])
    }

    @Test("A message reaches viewers, and is there again when the page is reloaded")
    func notify() async throws {
        try await with { fleet, api, agent in
            let seen = Mutex<[JSONValue]>([])
            let viewer = Task {
                try await api.stream("/workspaces/\(agent.id)/events/stream", headers: [:]) { block in
                    for line in block.split(separator: "\n") where line.hasPrefix("data:") {
                        let event = try JSONValue(decoding: Array(line.dropFirst(5).utf8))
                        if event["type"] == "AGENT_MESSAGE" { seen.withLock { $0.append(event["data"] ?? .null) } }
                    }
                    return true
                }
            }
            defer { viewer.cancel() }
            try await eventually("the viewer to be there") {
                let response = try await post(api, agent, "notify", ["message": "first"])
                #expect(response.text == #"{"status":"sent"}"#)
                return !seen.withLock { $0.isEmpty }
            }
            let long = String(repeating: "Größe 👩‍👩‍👧‍👦 ", count: 20)
            let file: JSONValue = [
                "uri": "workspace:/workspace/a.png", "name": "a.png", "mimeType": "image/png", "size": 3,
            ]
            // Unknown fields are no reason to refuse it.
            let sent = try await post(
                api, agent, "notify",
                ["message": .string(long), "attachments": [file], "type": "delegation_result"])
            #expect(sent.status == 200)
            try await eventually("the message") { seen.withLock { $0.last?["message"]?.string == long } }
            let (plain, attached) = seen.withLock { ($0.first ?? .null, $0.last ?? .null) }
            #expect(plain == ["message": "first", "workspace_id": .string(agent.id), "name": "the agent"])
            #expect(attached["attachments"] == [file])

            let rows = try await feed(api, agent)
            #expect(rows[0]["activity_type"] == "a2a_receive")
            #expect(rows[0]["method"] == "notify")
            #expect(rows[0]["summary"]?.string == "Agent message: \(long.prefix(80))…")
            #expect(rows[0]["source_id"] == .null)
            #expect(
                rows[0]["response_body"] == ["result": .string(long), "parts": [["kind": "file", "file": file]]])
            #expect(rows.last?["summary"] == "Agent message: first")
            #expect(rows.last?["response_body"] == ["result": "first"])
        }
    }

    @Test("An incomplete message, or one for no workspace, is refused and leaves nothing behind")
    func refusals() async throws {
        try await with { fleet, api, agent in
            let bad: [(JSONValue, String)] = [
                ([:], "message is required"), (["message": ""], "message is required"),
                (
                    ["message": "x", "attachments": [["uri": "u", "name": "n"], ["name": "n"]]],
                    "attachment[1]: uri and name are required"
                ),
                (
                    ["message": "x", "attachments": [["uri": "u", "name": ""]]],
                    "attachment[0]: uri and name are required"
                ),
            ]
            for (body, error) in bad {
                let response = try await post(api, agent, "notify", body)
                #expect(response.status == 400, "\(body): \(response.text)")
                #expect(response.json["error"]?.string == error)
            }
            let removed = try await fleet.create()
            try await fleet.remove(removed.id)
            for id in [UUID().uuidString.lowercased(), removed.id] {
                for (path, body) in [
                    ("notify", ["message": "x"] as JSONValue), ("activity", ["activity_type": "error"]),
                ] {
                    let response = try await api.call(.post, "/workspaces/\(id)/\(path)", body: body)
                    #expect(response.status == 404, "\(path): \(response.text)")
                    #expect(response.json["error"] == "workspace not found")
                }
                #expect(try await api.call(.get, "/workspaces/\(id)/activity").text == "[]")
            }
            let stranger = try await fleet.create()
            let foreign = try await api.call(
                .post, "/workspaces/\(agent.id)/notify", bearer: stranger.token, body: ["message": "x"])
            #expect(foreign.status == 401)
            #expect(try await fleet.sql("SELECT count(*)::int FROM activity_logs")[0].int(0) == 0)
        }
    }

    @Test("Reports are listed newest first, by type, by source and in pages; the words in them are found")
    func activity() async throws {
        try await with { fleet, api, agent in
            let own = JSONValue.string(agent.id)
            let other = UUID().uuidString.lowercased()
            let reports: [JSONValue] = [
                [
                    "activity_type": "a2a_send", "source_id": own, "target_id": .string(other),
                    "method": "message/send",
                    "summary": "one", "status": "error", "request_body": ["task": "one"],
                    "response_body": ["result": "Needle"], "error_detail": "no", "duration_ms": 7, "unknown": true,
                ],
                ["activity_type": "agent_log", "summary": "two", "metadata": ["line": "two"]],
                ["activity_type": "error", "source_id": own, "request_body": ["a": 1], "metadata": ["b": 2]],
            ]
            for report in reports {
                #expect(try await post(api, agent, "activity", report).text == #"{"status":"logged"}"#)
            }
            let rows = try await feed(api, agent)
            #expect(rows.compactMap { $0["activity_type"]?.string } == ["error", "agent_log", "a2a_send"])
            #expect(rows[2]["source_id"] == own && rows[2]["target_id"]?.string == other)
            #expect(rows[2]["status"] == "error" && rows[2]["error_detail"] == "no" && rows[2]["duration_ms"] == 7)
            #expect(rows[2]["response_body"] == ["result": "Needle"])
            #expect(rows[1]["source_id"] == .null && rows[1]["status"] == "ok")
            #expect(rows[1]["request_body"] == ["line": "two"])
            #expect(rows[1].object?["response_body"] == nil)
            #expect(rows[0]["request_body"] == ["a": 1])

            #expect(try await feed(api, agent, "?type=agent_log").count == 1)
            #expect(try await feed(api, agent, "?type=").count == 3)
            let unknown = try await api.call(.get, "/workspaces/\(agent.id)/activity?type=other", bearer: agent.token)
            #expect(unknown.status == 400 && unknown.json["field"] == "type")
            #expect(try await feed(api, agent, "?source=canvas") == [rows[1]])
            #expect(try await feed(api, agent, "?source=agent") == [rows[0], rows[2]])
            #expect(try await page(api, agent, "?limit=2") == ([rows[0], rows[1]], rows[1]["created_at"]?.string))
            let last = try #require(rows[1]["created_at"]?.string)
            #expect(try await page(api, agent, "?limit=2&before=\(last)") == ([rows[2]], nil))
            for limit in ["0", "-1", "x", ""] { #expect(try await feed(api, agent, "?limit=\(limit)").count == 3) }

            func found(_ query: String) async throws -> [JSONValue]? {
                try await api.call(.get, "/workspaces/\(agent.id)/session-search?q=\(query)", bearer: agent.token).json
                    .array
            }
            #expect(try await found("needle") == [rows[2]])
            #expect(try await found("TWO") == [rows[1]])
            #expect(try await found("nothing") == [])
            #expect(try await found("&limit=1") == [rows[0]])
        }
    }

    @Test("A search finds the text as people read it, however it was sent; blanks alone are no search")
    func searchedText() async throws {
        try await with { _, api, agent in
            // The summary says which row it is; the body is sent as it stands here.
            let bodies = [
                ("umlaut", #"{"text":"Gr\u00f6\u00dfe 100%"}"#), ("quote", #"{"text":"say \"hi\" to C:\\new"}"#),
                ("lines", #"{"text":"first\nsecond"}"#), ("link", #"{"text":"see http:\/\/example.org\/a_b"}"#),
                ("plain", #"{"text":"Größe axb"}"#),
            ]
            for (name, body) in bodies {
                let report = #"{"activity_type":"agent_log","summary":"\#(name)","response_body":\#(body)}"#
                let response = try await api.raw(
                    .post, "/workspaces/\(agent.id)/activity", bearer: agent.token, body: Array(report.utf8),
                    type: "application/json", headers: [])
                #expect(response.status == 200, "\(name): \(response.text)")
            }
            func found(_ text: String, _ more: String = "") async throws -> [String] {
                let query = text.utf8.map { "%\(String(UInt16($0) | 0x100, radix: 16).suffix(2))" }.joined()
                let response = try await api.call(
                    .get, "/workspaces/\(agent.id)/session-search?q=\(query)\(more)", bearer: agent.token)
                #expect(response.status == 200, "\(text): \(response.text)")
                return (response.json.array ?? []).compactMap { $0["summary"]?.string }
            }
            #expect(try await found("größe") == ["plain", "umlaut"])
            #expect(try await found(#"say "hi""#) == ["quote"])
            #expect(try await found(#"c:\NEW"#) == ["quote"])
            #expect(try await found("first\nsecond") == ["lines"])
            #expect(try await found("http://example.org/a_b") == ["link"])
            #expect(try await found("0%") == ["umlaut"])
            #expect(try await found("a_b") == ["link"])
            #expect(try await found(#"\n"#) == ["quote"])
            for nothing in ["u00f6", #"\/"#, "text", "{"] {
                #expect(try await found(nothing) == [], "\(nothing)")
            }
            let all = ["plain", "link", "lines", "quote", "umlaut"]
            for blank in ["", " ", "  ", "\t"] { #expect(try await found(blank) == all) }
            #expect(try await found("  ", "&limit=2") == ["plain", "link"])
            let long = try await api.call(
                .get, "/workspaces/\(agent.id)/session-search?q=\(String(repeating: "x", count: 1001))",
                bearer: agent.token)
            #expect(long.status == 400 && long.json["field"] == "q")
        }
    }

    @Test("A time that the database does not have is the client's mistake, and the end of time is none")
    func times() async throws {
        try await with { _, api, agent in
            for (time, status) in [
                ("0000-01-01T00:00:00Z", 400), ("0001-01-01T00:00:00%2B00:01", 400), ("9999-12-31T23:59:59-00:01", 400),
                ("0001-01-01T00:00:00Z", 200), ("9999-12-31T23:59:59.999999Z", 200), ("2026-01-01", 400),
            ] {
                for path in ["activity?", "session-search?q=x&"] {
                    let response = try await api.call(
                        .get, "/workspaces/\(agent.id)/\(path)before=\(time)", bearer: agent.token)
                    #expect(response.status == status, "\(path)\(time): \(response.text)")
                    if status == 400 { #expect(response.json["field"] == "before") }
                }
            }
        }
    }

    @Test("A page has 100 rows by default, and 500 at most; a report must be the reporter's own")
    func limits() async throws {
        try await with { fleet, api, agent in
            try await fleet.sql(
                """
                INSERT INTO activity_logs (workspace_id, activity_type, created_at)
                SELECT $1::uuid, 'agent_log', now() - n * interval '1 second' FROM generate_series(1, 600) AS n
                """, [agent.id])
            for (query, count) in [("", 100), ("?limit=500", 500), ("?limit=501", 500), ("?limit=x", 100)] {
                #expect(try await feed(api, agent, query).count == count)
            }
            for (query, count) in [("", 50), ("&limit=200", 200), ("&limit=201", 200), ("&limit=x", 50)] {
                let response = try await api.call(
                    .get, "/workspaces/\(agent.id)/session-search?q=\(query)", bearer: agent.token)
                #expect(response.json.array?.count == count, "\(query)")
            }
            let foreign = try await post(
                api, agent, "activity", ["activity_type": "error", "source_id": .string(UUID().uuidString)])
            #expect(foreign.status == 403)
            #expect(foreign.json["error"] == "source_id must match authenticated workspace")
            for type in ["delegation", "cron_run", "nonsense", ""] {
                let response = try await post(api, agent, "activity", ["activity_type": .string(type)])
                #expect(response.status == 400)
                #expect(
                    response.json["error"]?.string == """
                        invalid activity_type, must be one of: a2a_send, a2a_receive, task_update, agent_log, \
                        skill_promotion, memory_write, error
                        """)
            }
            // It has a time of activity, although it never beats.
            let seen = try await fleet.sql(
                "SELECT last_seen_at > now() - interval '1 minute' FROM workspace_vitals WHERE workspace_id = $1::uuid",
                [agent.id])
            #expect(seen.first?.optionalBool(0) == true)
        }
    }
}
