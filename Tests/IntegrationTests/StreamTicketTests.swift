import Foundation
import HTTPCore
import JSONBytes
import Postgres
import Synchronization
import Testing
import TestSupport

/// What a stream has shown.
private final class Seen: Sendable {
    private let state = Mutex<(events: [JSONValue], hasBegun: Bool, hasEnded: Bool)>(([], false, false))

    var hasBegun: Bool { state.withLock { $0.hasBegun } }
    var hasEnded: Bool { state.withLock { $0.hasEnded } }
    /// Type and workspace of each event.
    var events: [[String?]] {
        state.withLock { $0.events.map { [$0["type"]?.string, $0["workspace_id"]?.string] } }
    }

    /// Takes in a block of the stream.
    func add(_ block: Substring) throws {
        let lines = block.split(separator: "\n").filter { $0.hasPrefix("data: ") }
        let events = try lines.map { try JSONValue(decoding: Array($0.dropFirst(6).utf8)) }
        state.withLock { state in
            state.hasBegun = true
            state.events += events
        }
    }

    func end() { state.withLock { $0.hasEnded = true } }
}

extension RegistryProcessTests {
    /// A client that can set no header opens a stream: on the second notifier, of what the first one gave out.
    @Suite("Stream tickets", .serialized)
    struct StreamTicketTests {
        private static let path = "/streams/tickets"

        private func with(_ body: (Fleet) async throws -> Void) async throws {
            try await Fleet.with(
                ["registry", "notifier", "notifier"],
                environment: Fleet.production.merging(["LOG_LEVEL": "trace"]) { $1 },
                body)
        }

        private func issue(_ fleet: Fleet, _ bearer: String, _ body: JSONValue) async throws -> API.ReceivedResponse {
            try await fleet.apis[1].call(.post, Self.path, bearer: bearer, body: body)
        }

        private func ticket(_ fleet: Fleet, _ bearer: String, _ body: JSONValue = [:]) async throws -> String {
            let response = try await issue(fleet, bearer, body)
            #expect(response.status == 200 && response.headers["cache-control"] == "no-store", "\(response.text)")
            return try #require(response.json["ticket"]?.string)
        }

        private func watch(_ fleet: Fleet, _ path: String) async throws -> Seen {
            let (api, seen) = (fleet.apis[2], Seen())
            Task {
                defer { seen.end() }
                try await api.stream(path, bearer: nil) { block in
                    try seen.add(block)
                    return true
                }
            }
            try await eventually("the stream") { seen.hasBegun || seen.hasEnded }
            return seen
        }

        private func notify(_ fleet: Fleet, _ workspace: String) async throws {
            let body: JSONValue = ["message": "hello"]
            let response = try await fleet.apis[1].call(.post, "/workspaces/\(workspace)/notify", body: body)
            #expect(response.status == 200)
        }

        @Test("It shows what it was made for, opens one stream, on any notifier, and comes into no log")
        func shows() async throws {
            try await with { fleet in
                let (own, token) = try await fleet.create()
                let other = try await fleet.create().id
                let asked: JSONValue = ["workspace_id": .string(own), "types": ["AGENT_MESSAGE", "workspace.updated"]]
                // An agent's, an operator's, and one for all; each over what may be opened with it.
                let paths = ["/events/stream", "/workspaces/\(own)/events/stream", "/workspaces/\(own)/events/stream"]
                let tickets = [
                    try await ticket(fleet, token, asked), try await ticket(fleet, Platform.adminToken, asked),
                    try await ticket(fleet, Platform.adminToken),
                ]
                var streams: [Seen] = []
                for (path, ticket) in zip(paths, tickets) {
                    streams.append(try await watch(fleet, "\(path)?ticket=\(ticket)"))
                }
                let last = try await ticket(fleet, token, asked)
                let socket = try await WebSocketViewer.start(fleet.services[2].baseURL + "/ws?ticket=\(last)")
                for workspace in [other, own] { try await notify(fleet, workspace) }
                for stream in streams {
                    try await eventually("its event", detail: { "\(stream.events)" }) {
                        stream.events.contains(["AGENT_MESSAGE", own])
                    }
                    #expect(stream.events.allSatisfy { $0[1] == own }, "\(stream.events)")
                }
                #expect(streams[0].events.allSatisfy { $0[0] == "AGENT_MESSAGE" })
                try await eventually("the socket's event", detail: { socket.tail }) { socket.messages == [own] }
                await socket.stop()
                for used in tickets + [last, "", "nonsense"] {
                    let response = try await fleet.apis[1].call(.get, "/events/stream?ticket=\(used)", bearer: nil)
                    #expect(response.status == 401 && response.json["error"] == "invalid or expired stream ticket")
                }
                for service in fleet.services { for used in tickets { #expect(!service.output.contains(used)) } }
            }
        }

        @Test("It shows no more than it was made for, and no caller gets one for what it may not see")
        func limits() async throws {
            try await with { fleet in
                let (own, token) = try await fleet.create()
                let other = try await fleet.create().id
                let refusals: [(String, JSONValue, Int)] = [
                    (token, [:], 401), (token, ["workspace_id": .string(other)], 401), ("wrong", [:], 401),
                    ("wrong", ["types": ["NONSENSE"]], 401), (token, ["types": ["NONSENSE"]], 400),
                    (token, ["workspace_id": "nobody"], 400),
                ]
                for (bearer, body, status) in refusals {
                    let response = try await issue(fleet, bearer, body)
                    #expect(response.status == status, "\(body): \(response.text)")
                }
                let cookie: HTTPHeaders = ["Cookie": try await signIn(fleet)]
                let withCookie = try await fleet.apis[1].call(
                    .post, Self.path, bearer: nil, body: [:], headers: cookie)
                #expect(withCookie.status == 401, "\(withCookie.text)")
                let asked: JSONValue = ["workspace_id": .string(own), "types": ["AGENT_MESSAGE"]]
                for beyond in [
                    "/workspaces/\(other)/events/stream?", "/events/stream?workspace_id=\(other)&",
                    "/events/stream?types=AGENT_MESSAGE,WORKSPACE_ONLINE&", "/ws?workspace_id=\(other)&",
                ] {
                    let made = try await ticket(fleet, token, asked)
                    // Whatever else it shows.
                    let response = try await fleet.apis[2].call(.get, "\(beyond)ticket=\(made)")
                    #expect(
                        response.status == 403 && response.json["error"] == "ticket is for other events", "\(beyond)")
                }
            }
        }

        private func signIn(_ fleet: Fleet) async throws -> String {
            let response = try await fleet.apis[1].call(
                .post, "/console/session", bearer: nil, body: ["token": .string(Platform.adminToken)])
            return String(try #require(response.headers["set-cookie"]).prefix { $0 != ";" })
        }

        @Test("It ends after a minute and with the token that it was made from, and so does its stream")
        func ends() async throws {
            try await with { fleet in
                let (id, token) = try await fleet.create()
                let asked: JSONValue = ["workspace_id": .string(id)]
                let late = try await ticket(fleet, token, asked)
                let (soonest, latest) = try await fleet.sql(
                    """
                    SELECT bool_and(expires_at > now() + interval '30 seconds'),
                        bool_and(expires_at <= now() + interval '60 seconds') FROM stream_tickets
                    """
                ).map { ($0.bool(0), $0.bool(1)) }[0]
                #expect(soonest && latest)
                try await fleet.sql("UPDATE stream_tickets SET expires_at = now() - interval '1 millisecond'")
                #expect(try await fleet.apis[2].call(.get, "/ws?ticket=\(late)", bearer: nil).status == 401)
                let seen = try await watch(
                    fleet, "/workspaces/\(id)/events/stream?ticket=\(try await ticket(fleet, token, asked))")
                let unused = try await ticket(fleet, token, asked)
                let foreign = try await ticket(fleet, Platform.adminToken)
                #expect(!seen.hasEnded)
                let listed = try await fleet.api.call(.get, "/workspaces/\(id)/tokens").json["tokens"]?.array ?? []
                for token in listed.compactMap({ $0["id"]?.string }) {
                    #expect(try await fleet.api.call(.delete, "/workspaces/\(id)/tokens/\(token)").status == 200)
                }
                try await eventually("the stream's end") { seen.hasEnded }
                try await eventually("the ticket's end") {
                    try await fleet.apis[2].call(.get, "/events/stream?ticket=\(unused)", bearer: nil).status == 401
                }
                // The administrator's ends with that token.
                try await fleet.start("notifier", with: ["ADMIN_TOKEN": "another-one"]) { api in
                    let response = try await api.call(.get, "/events/stream?ticket=\(foreign)", bearer: nil)
                    #expect(response.status == 401)
                }
            }
        }

        @Test("Unused tickets are bounded, and expire")
        func bounded() async throws {
            try await with { fleet in
                let (id, token) = try await fleet.create()
                let asked: JSONValue = ["workspace_id": .string(id)]
                _ = try await ticket(fleet, token, asked)
                try await fleet.sql(
                    """
                    INSERT INTO stream_tickets (ticket_hash, token_hash, types, expires_at)
                    SELECT sha256(n::text::bytea), token_hash, '{}', expires_at
                    FROM stream_tickets, generate_series(1, 999) AS n
                    """)
                let refused = try await issue(fleet, token, asked)
                #expect(refused.status == 429 && refused.headers["retry-after"] != nil, "\(refused.text)")
                // Other callers are not delayed by them.
                _ = try await ticket(fleet, Platform.adminToken)
                try await fleet.sql("UPDATE stream_tickets SET expires_at = now() - interval '1 second'")
                for _ in 0..<11 { _ = try await ticket(fleet, token, asked) }
                let left = try await fleet.sql("SELECT count(*)::int FROM stream_tickets")[0].int(0)
                #expect(left == 11)
            }
        }
    }
}
