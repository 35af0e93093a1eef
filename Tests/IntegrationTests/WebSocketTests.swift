import Foundation
import HTTPCore
import JSONBytes
import Testing
import TestSupport

/// A program that watches events over a WebSocket.
struct WebSocketViewer: Sendable {
    private let leash: Leash

    static func start(
        _ url: String, bearer: String? = nil, agent: String? = nil, origin: String? = nil, isFlaky: Bool = false
    ) async throws -> WebSocketViewer {
        var arguments = [url.replacing("http://", with: "ws://")]
        if let bearer { arguments += ["--header", "Authorization=Bearer \(bearer)"] }
        if let agent { arguments += ["--header", "X-Workspace-ID=\(agent)"] }
        if let origin { arguments += ["--origin", origin] }
        if isFlaky { arguments.append("--flaky") }
        let viewer = WebSocketViewer(leash: try await PythonProgram.start("websocket_viewer.py", arguments))
        if !isFlaky {
            try await eventually("the socket", detail: { viewer.leash.outputTail }) { !viewer.lines.isEmpty }
        }
        return viewer
    }

    var lines: [JSONValue] {
        leash.output.split(separator: "\n").compactMap { try? JSONValue(decoding: Array($0.utf8)) }
    }
    var events: [JSONValue] { lines.filter { $0["event"]?.string != nil } }
    var durable: [Int] { events.compactMap { $0["id"]?.int } }
    var refused: Int? { lines.first?["refused"]?.int }
    var closed: JSONValue? { lines.last { $0["closed"] != nil }?["closed"] }

    /// Workspaces whose messages it has seen, in order.
    var messages: [String] {
        events.filter { $0["event"]?.string == "AGENT_MESSAGE" }.compactMap { $0["workspace_id"]?.string }
    }

    var tail: String { leash.outputTail }

    func stop() async { await leash.kill() }
}

extension RegistryProcessTests {
    @Suite("WebSockets", .serialized)
    struct WebSocketTests {
        private func notify(_ fleet: Fleet, _ workspace: String) async throws {
            let response = try await fleet.apis[1].call(
                .post, "/workspaces/\(workspace)/notify", body: ["message": "hello"])
            #expect(response.status == 200)
        }

        @Test("An agent's socket shows those that it may talk to, before and after it is moved; an operator's all")
        func visibility() async throws {
            try await Fleet.with(["registry", "notifier"]) { fleet in
                let url = fleet.services[1].baseURL + "/ws"
                let root = try await fleet.create().id
                let (agent, token) = try await fleet.create(["parent_id": .string(root)])
                let sibling = try await fleet.create(["parent_id": .string(root)]).id
                let other = try await fleet.create().id
                let stranger = try await fleet.create(["parent_id": .string(other)]).id
                let everyone = [root, sibling, other, stranger, agent]
                let viewer = try await WebSocketViewer.start(url, bearer: token, agent: agent)
                let operators = try await WebSocketViewer.start(url, bearer: Platform.adminToken)
                for workspace in everyone { try await notify(fleet, workspace) }
                try await eventually("the operator's events", detail: { operators.tail }) {
                    Set(operators.messages) == Set(everyone)
                }
                try await eventually("the agent's events", detail: { viewer.tail }) {
                    Set(viewer.messages) == [root, sibling, agent]
                }
                let moved = try await fleet.api.call(
                    .patch, "/workspaces/\(agent)", body: ["parent_id": .string(other)])
                #expect(moved.status == 200)
                try await eventually("the position to change", detail: { viewer.tail }) {
                    try await notify(fleet, stranger)
                    return viewer.messages.contains(stranger)
                }
                let count = viewer.messages.count
                for workspace in [sibling, root, other] { try await notify(fleet, workspace) }
                try await eventually("its new parent's event") { viewer.messages.dropFirst(count).contains(other) }
                #expect(!viewer.messages.dropFirst(count).contains { [sibling, root].contains($0) })
                // The same of what is kept: from the log's beginning.
                let replayed = try await WebSocketViewer.start(url + "?since=0", bearer: token, agent: agent)
                try await eventually("the replay") { replayed.durable.count >= 2 }
                let seen = Set(replayed.events.compactMap { $0["workspace_id"]?.string })
                #expect(seen.isSubset(of: [agent, other, stranger]), "\(seen)")
                for viewer in [viewer, operators, replayed] { await viewer.stop() }
            }
        }

        @Test("A socket is closed at its token's end, and others go on")
        func revoked() async throws {
            try await Fleet.with(["registry", "notifier"]) { fleet in
                let url = fleet.services[1].baseURL + "/ws"
                let (id, token) = try await fleet.create()
                let path = "/workspaces/\(id)/tokens"
                let kept = try #require(try await fleet.api.call(.post, path).json["auth_token"]?.string)
                let viewers = [
                    try await WebSocketViewer.start(url, bearer: token, agent: id),
                    try await WebSocketViewer.start(url, bearer: kept, agent: id),
                ]
                let listed = try await fleet.api.call(.get, path).json["tokens"]?.array ?? []
                let own = try #require(listed.first { token.hasPrefix($0["prefix"]?.string ?? "-") }?["id"]?.string)
                #expect(try await fleet.api.call(.delete, "\(path)/\(own)").status == 200)
                // Without a notification the token of an idle socket is checked after 15 s.
                try await eventually(within: .seconds(10), "the end", detail: { viewers[0].tail }) {
                    viewers[0].closed?.int == 1001
                }
                try await notify(fleet, id)
                try await eventually("the other to go on") { viewers[1].messages == [id] }
                #expect(viewers[1].closed == nil)
                // A workspace that is removed takes all of its sockets with it.
                #expect(try await fleet.api.call(.delete, "/workspaces/\(id)?confirm=true").status == 200)
                try await eventually("the other's end", detail: { viewers[1].tail }) {
                    viewers[1].closed?.int == 1001
                }
                for viewer in viewers { await viewer.stop() }
            }
        }

        @Test("A client with no credential, another's, or no upgrade request gets no socket")
        func refusals() async throws {
            let environment = [
                "MOLECULE_ENV": "production", "SECRETS_ENCRYPTION_KEY": "0123456789abcdef0123456789abcdef",
            ]
            try await Fleet.with(["registry", "notifier"], environment: environment) { fleet in
                let (api, url) = (fleet.apis[1], fleet.services[1].baseURL + "/ws")
                let (id, token) = try await fleet.create()
                let other = try await fleet.create().id
                for (bearer, agent, status) in [
                    (nil, nil, 401), ("wrong", nil, 401), (token, nil, 401), (nil, id, 401), (token, other, 401),
                    (token, "nobody", 400),
                ] as [(String?, String?, Int)] {
                    let viewer = try await WebSocketViewer.start(url, bearer: bearer, agent: agent)
                    #expect(viewer.refused == status, "\(viewer.tail)")
                    await viewer.stop()
                }
                #expect(try await api.call(.get, "/ws").status == 426)
                #expect(try await api.call(.get, "/ws", bearer: nil).status == 401)
                let unreadable = try await WebSocketViewer.start(url + "?types=NONSENSE", bearer: Platform.adminToken)
                #expect(unreadable.refused == 400)
                await unreadable.stop()
                // A position that the log does not have is reported on the socket.
                let beyondLog = try await WebSocketViewer.start(url + "?since=999999999", bearer: Platform.adminToken)
                try await eventually("the notice", detail: { beyondLog.tail }) {
                    beyondLog.events.first?["event"]?.string == "STREAM_RESET"
                }
                await beyondLog.stop()
            }
        }
    }
}

extension PlatformTests {
    @Suite("WebSockets behind the gateway", .serialized)
    struct GatewayWebSocketTests {
        @Test("A viewer that hangs up at random for long, with its notifier restarted, sees each event exactly once")
        func flaky() async throws {
            let platform = try await Platform.start(scale: ["notifier": 2])
            let viewer = try await WebSocketViewer.start(
                platform.api.baseURL + "/ws", bearer: Platform.adminToken, isFlaky: true)
            let rounds = 30
            for round in 0..<rounds {
                for _ in 0..<8 {
                    let created = try await platform.api.call(
                        .post, "/workspaces", body: ["name": "w", "external": true])
                    #expect(created.status == 201)
                }
                if round % 8 == 3 { try await platform.restart(platform.instances("notifier")[round / 8 % 2]) }
            }
            let wanted = try await platform.sql("SELECT string_agg(sequence::text, ',') FROM structure_events")
            let all = wanted.trimmingCharacters(in: .whitespacesAndNewlines).split(separator: ",").compactMap {
                Int($0)
            }
            try await eventually("all of them", detail: { "\(viewer.durable.count) of \(all.count)" }) {
                Set(viewer.durable).isSuperset(of: all)
            }
            #expect(viewer.durable.count == Set(viewer.durable).count, "seen twice")
            #expect(!viewer.events.contains { $0["event"]?.string == "STREAM_RESET" })
            await viewer.stop()
            await platform.stop()
        }

        @Test("A browser's request, with `Connection: keep-alive, Upgrade`, gets through")
        func browser() async throws {
            let platform = try await Platform.start()
            let client = try PlainConnection(port: platform.gatewayPort)
            client.send(
                """
                GET /ws HTTP/1.1\r\nHost: 127.0.0.1:\(platform.gatewayPort)\r\nConnection: keep-alive, Upgrade\r
                Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r
                Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r
                Authorization: Bearer \(Platform.adminToken)\r\nOrigin: http://127.0.0.1:\(platform.gatewayPort)\r\n\r\n
                """)
            let head = String(
                decoding: client.receive(until: { $0.suffix(4) == Array("\r\n\r\n".utf8) }), as: UTF8.self)
            #expect(head.hasPrefix("HTTP/1.1 101 "), "\(head)")
            #expect(head.lowercased().contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo="))
            let created = try await platform.api.call(.post, "/workspaces", body: ["name": "w", "external": true])
            #expect(created.status == 201)
            // A text frame of less than 64 KiB.
            let frame = client.receive { $0.count >= 4 && $0.count >= 4 + Int($0[2]) << 8 + Int($0[3]) }
            #expect(frame.first == 0x81)
            #expect(String(decoding: frame.dropFirst(4), as: UTF8.self).hasPrefix(#"{"event":"WORKSPACE_"#))
            client.hangUp()
            await platform.stop()
        }
    }
}
