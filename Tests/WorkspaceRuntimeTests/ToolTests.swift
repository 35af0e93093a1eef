import Foundation
import HTTPCore
import JSONBytes
import Testing
import TestSupport
import UVHTTPServer

@testable import WorkspaceRuntime

@Suite struct ToolTests {
    @Test func delegatesWithAKeyThatOtherRuntimesUseToo() async throws {
        try await withPlatform { platform in
            let client = try makeClient(platform)
            let target = try #require(UUID(uuidString: "6F9619FF-8B86-D011-B42D-00C04FC964FF"))
            platform.setResponse(
                "POST /workspaces/\(client.id)/delegate", .accepted, #"{"delegation_id":"d-1","status":"delegated"}"#)
            #expect(try await client.delegate("count", to: target) == "d-1")
            let body = platform.all[0].json
            #expect(body["target_id"] == "6f9619ff-8b86-d011-b42d-00c04fc964ff")
            // sha256("6f9619ff-8b86-d011-b42d-00c04fc964ff:count"), its first half.
            #expect(body["idempotency_key"] == "d3c7e8220b6b8abcced4d08194d383a9")
        }
    }

    @Test func listsPeersAndIdentifiesTheCaller() async throws {
        try await withPlatform { platform in
            let client = try makeClient(platform)
            platform.setResponse(
                "GET /registry/\(client.id)/peers",
                #"[{"id":"p","name":"Peer","status":"online","role":null,"parent_id":null,"agent_card":{}}]"#)
            #expect(
                try await client.peers(matching: "a b&c")
                    == [Peer(id: "p", name: "Peer", status: "online", role: nil, parentID: nil)])
            #expect(platform.all[0].headers["X-Workspace-ID"] == client.id)
            #expect(platform.all[0].target.hasSuffix("?q=a%20b%26c"))
        }
    }

    @Test func waitsForAPeerAndReportsBeforeAndAfter() async throws {
        try await withPlatform { platform in
            let client = try makeClient(platform)
            let target = UUID()
            platform.setResponse(
                "GET /registry/discover/\(target.uuidString.lowercased())",
                "{\"url\":\"\(platform.url)\",\"name\":\"Peer\"}")
            platform.setResponse(
                "POST /", #"{"jsonrpc":"2.0","id":1,"result":{"parts":[{"type":"text","text":"three"}]}}"#)
            #expect(try await client.delegateAndWait("count", to: target) == "three")
            let sent = try #require(platform.received("POST /").first)
            #expect(sent.bearer == nil, "the peer gets no credential of the platform")
            let reports = platform.received("POST /workspaces/\(client.id)/activity").map(\.json)
            #expect(reports.map { $0["activity_type"] } == ["a2a_send", "a2a_receive"])
            #expect(reports[1]["response_body"] == ["result": "three"])

            platform.setResponse("POST /", #"{"jsonrpc":"2.0","id":1,"error":{"code":-32603,"message":"no"}}"#)
            await #expect(throws: PlatformError.self) { try await client.delegateAndWait("count", to: target) }
            let last = platform.received("POST /workspaces/\(client.id)/activity").last?.json
            #expect(last?["status"] == "error" && last?["error_detail"] == "no")
        }
    }

    @Test func uploadsBeforeItNotifiesTheUser() async throws {
        try await withPlatform { platform in
            let client = try makeClient(platform)
            let path = try TemporaryFolder.make("files") + "/chart.png"
            try Data("pixels".utf8).write(to: URL(fileURLWithPath: path))
            let upload = "POST /workspaces/\(client.id)/chat/uploads"
            let notify = "POST /workspaces/\(client.id)/notify"
            platform.setResponse(upload, #"{"files":[{"uri":"workspace:/x","name":"chart.png"}]}"#)
            try await client.notifyUser("look", files: [path])
            let form = String(decoding: platform.received(upload)[0].body, as: UTF8.self)
            #expect(
                form.contains("name=\"files\"; filename=\"chart.png\"\r\nContent-Type: image/png\r\n\r\npixels\r\n"))
            let note = platform.received(notify)[0].json
            #expect(note["message"] == "look" && note["attachments"]?[0]?["uri"] == "workspace:/x")

            await #expect(throws: PlatformError.self) {
                try await client.notifyUser("look", files: [path, path + ".missing"])
            }
            #expect(platform.received(upload).count == 1, "nothing is uploaded when a file is missing")
            platform.setResponse(upload, #"{"files":[]}"#)
            await #expect(throws: PlatformError.self) { try await client.notifyUser("look", files: [path]) }
            #expect(platform.received(notify).count == 1, "nothing is said when an upload failed")
        }
    }

    @Test func aQueuedMessageIsNoFailure() async throws {
        try await withPlatform { platform in
            let client = try makeClient(platform)
            let target = UUID()
            let call = "POST /workspaces/\(target.uuidString.lowercased())/a2a"
            platform.setResponse(call, .accepted, #"{"queued":true,"queue_id":"q-1","queue_depth":1}"#)
            #expect(try await client.send("hello", to: target) == .queued(queueID: "q-1"))
            platform.setResponse(call, #"{"jsonrpc":"2.0","id":1,"result":{"parts":[{"kind":"text","text":"hi"}]}}"#)
            #expect(try await client.send("hello", to: target) == .completed("hi"))
        }
    }

    @Test func environmentProblemsAreReportedTogether() {
        let environment = ["WORKSPACE_ID": "x", "PORT": "70000", "HEARTBEAT_SECONDS": "0", "CAPABILITIES": "fly"]
        do {
            _ = try AgentConfiguration(environment: environment, card: AgentCard(name: "Test"))
            Issue.record("it was accepted")
        } catch {
            #expect(error.problems.count == 5)
        }
    }
}
