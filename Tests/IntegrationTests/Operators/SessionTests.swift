import Foundation
import HTTPCore
import JSONBytes
import Postgres
import Testing
import TestSupport

extension OperatorTests {
    @Suite("Sessions of the console", .serialized)
    struct SessionTests {
        /// Of each service one route that reads and one that changes something.
        private func routes(_ id: String) -> [(read: String, change: (method: HTTPMethod, path: String))] {
            let none = UUID().uuidString.lowercased()
            return [
                ("/workspaces/\(id)/tokens", (.delete, "/workspaces/\(id)/tokens/\(none)")),
                ("/workspaces/\(id)/queue", (.post, "/admin/a2a-queue/\(none)/retry")),
                ("/admin/schedules/health", (.delete, "/workspaces/\(id)/schedules/\(none)")),
                ("/events", (.post, "/workspaces/\(id)/notify")),
                ("/admin/sweeps/guard", (.delete, "/admin/dead-letters/1")),
            ]
        }

        /// Requests a WebSocket; the response's status.
        private func upgrade(_ port: UInt16, _ cookie: String, _ origin: String) async throws -> Int? {
            let head = """
                GET /ws HTTP/1.1\r
                Host: 127.0.0.1:\(port)\r
                Connection: Upgrade\r
                Upgrade: websocket\r
                Sec-WebSocket-Version: 13\r
                Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r
                Cookie: \(cookie)\r
                Origin: \(origin)\r
                \r

                """
            let response = try await onThread { PlainSocket.exchange(port: port, send: head, receive: 64) }
            return response?.split(separator: " ").dropFirst().first.flatMap { Int($0) }
        }

        @Test("Every service takes the cookie, and with it alone no change that another site's page makes")
        func everywhere() async throws {
            try await Fleet.with(Fleet.allServices, environment: Fleet.production) { fleet in
                let id = try await fleet.create().id
                let cookie = try await fleet.signIn()
                for (index, (read, change)) in routes(id).enumerated() {
                    let api = fleet.apis[index]
                    #expect(try await api.call(.get, read, bearer: nil).status == 401, "\(read)")
                    let seen = try await api.call(.get, read, bearer: nil, headers: ["Cookie": cookie])
                    #expect(seen.status == 200, "\(read) \(seen.text)")
                    for origin in ["http://evil.example", "null", nil] {
                        var headers: HTTPHeaders = ["Cookie": cookie]
                        if let origin { headers.add("Origin", origin) }
                        let response = try await api.call(change.method, change.path, bearer: nil, headers: headers)
                        #expect(response.status == 403, "\(change.path) \(response.text)")
                        #expect(response.json == ["error": "origin not allowed"])
                    }
                    let own = try await api.call(
                        change.method, change.path, bearer: nil,
                        headers: ["Cookie": cookie, "Origin": fleet.origin(index)])
                    #expect(own.status == 404 || own.status == 400, "\(change.path) \(own.text)")
                }
                // A WebSocket changes nothing, and is not to be opened by another site's page all the same.
                for (origin, status) in [("http://evil.example", 403), (fleet.origin(3), 101)] {
                    let opened = try await upgrade(fleet.services[3].port, cookie, origin)
                    #expect(opened == status, "\(origin)")
                }
                let agent = try await fleet.api.call(
                    .get, "/registry/\(id)/peers", bearer: nil, headers: ["Cookie": cookie])
                #expect(agent.status == 401)
            }
        }

        @Test("What a session says of itself, and how it ends")
        func lifecycle() async throws {
            try await Fleet.with(
                Fleet.allServices, environment: Fleet.production.merging(["PLATFORM_NAME": "Acme"]) { $1 }
            ) { fleet in
                let path = "/console/session"
                #expect(try await fleet.notifier.call(.get, path, bearer: nil).status == 401)
                let refused = try await fleet.notifier.call(.post, path, bearer: nil, body: ["token": "wrong"])
                #expect(refused.status == 401 && refused.json == ["error": "invalid admin token"])
                #expect(refused.headers["set-cookie"] == nil)
                #expect(try await fleet.notifier.call(.post, path, bearer: nil, body: [:]).status == 400)
                let response = try await fleet.notifier.call(
                    .post, path, bearer: nil, body: ["token": .string(Platform.adminToken)])
                let field = try #require(response.headers["set-cookie"])
                #expect(field.hasSuffix("; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict"), "\(field)")
                #expect(response.json["role"] == "operator" && response.json["actor"] == "admin")
                #expect(response.json["name"] == .null && response.json["token_prefix"] == .null)
                #expect(response.json["platform_name"] == "Acme")
                let cookie = String(field.prefix { $0 != ";" })
                let stored = try await fleet.sql("SELECT encode(session_hash, 'hex') FROM console_sessions")
                let hashes = try stored.map { $0.string(0) }
                #expect(hashes.count == 1 && !cookie.contains(hashes[0]))
                let shown = try await fleet.notifier.call(.get, path, bearer: nil, headers: ["Cookie": cookie])
                #expect(shown.json == response.json)
                let viewer = try await fleet.issue("watcher", role: "viewer")
                let other = try await fleet.signIn(viewer.token)
                let who = try await fleet.notifier.call(.get, path, bearer: nil, headers: ["Cookie": other]).json
                #expect(who["role"] == "viewer" && who["actor"] == "org" && who["name"] == "watcher")
                #expect(who["token_prefix"]?.string == String(viewer.token.prefix(8)))
                // Also who only reads may leave.
                let origin = fleet.origin(3)
                for cookie in [cookie, other] {
                    let headers: HTTPHeaders = ["Cookie": cookie, "Origin": origin]
                    let out = try await fleet.notifier.call(.delete, path, bearer: nil, headers: headers)
                    #expect(out.status == 204 && out.headers["set-cookie"]?.contains("Max-Age=0") == true)
                    #expect(try await fleet.notifier.call(.get, path, bearer: nil, headers: headers).status == 401)
                }
            }
        }

        @Test("A session that ended, or whose token did, is refused by every service within seconds")
        func revocation() async throws {
            try await Fleet.with(Fleet.allServices, environment: Fleet.production) { fleet in
                let id = try await fleet.create().id
                let org = try await fleet.issue("ci")
                let cookies = [
                    try await fleet.signIn(), try await fleet.signIn(org.token), try await fleet.signIn(org.token),
                ]
                func statuses(_ cookie: String) async throws -> Set<Int> {
                    var found: Set<Int> = []
                    for (index, route) in routes(id).enumerated() {
                        let headers: HTTPHeaders = ["Cookie": cookie]
                        found.insert(
                            try await fleet.apis[index].call(.get, route.read, bearer: nil, headers: headers).status)
                    }
                    return found
                }
                func ends(_ cookie: String, after act: () async throws -> Int) async throws {
                    #expect(try await statuses(cookie) == [200])
                    let start = ContinuousClock.now
                    let status = try await act()
                    #expect(status == 200 || status == 204)
                    try await eventually("all to know") { try await statuses(cookie) == [401] }
                    // An instance that is not notified caches a session for 30 s.
                    #expect(ContinuousClock.now - start < .seconds(10))
                }
                for cookie in cookies.prefix(2) {
                    try await ends(cookie) {
                        try await fleet.notifier.call(
                            .delete, "/console/session", bearer: nil,
                            headers: ["Cookie": cookie, "Origin": fleet.origin(3)]
                        ).status
                    }
                }
                try await ends(cookies[2]) { try await fleet.api.call(.delete, "/org/tokens/\(org.id)").status }
                #expect(
                    try await fleet.notifier.call(
                        .post, "/console/session", bearer: nil, body: ["token": .string(org.token)]
                    ).status == 401)
            }
        }

        @Test("A session of the administrator ends with the ADMIN_TOKEN that it was made from")
        func changedToken() async throws {
            try await Fleet.with(Fleet.allServices, environment: Fleet.production) { fleet in
                let cookie = try await fleet.signIn()
                let ci = try await fleet.signIn(try await fleet.issue("ci").token)
                try await fleet.start("registry", with: ["ADMIN_TOKEN": "another token"]) { api in
                    for (cookie, expected) in [(cookie, 401), (ci, 200)] {
                        let headers: HTTPHeaders = ["Cookie": cookie]
                        let response = try await api.call(.get, "/workspaces", bearer: nil, headers: headers)
                        #expect(response.status == expected)
                    }
                }
            }
        }

        @Test("In open development mode all callers are signed in, and an expired cookie has no effect")
        func open() async throws {
            try await Fleet.with(["notifier"], environment: ["ADMIN_TOKEN": ""]) { fleet in
                for headers in [[:], ["Cookie": "switchyard_session=over"]] as [HTTPHeaders] {
                    let who = try await fleet.api.call(.get, "/console/session", bearer: nil, headers: headers)
                    #expect(who.json["actor"] == "open" && who.json["role"] == "operator" && who.status == 200)
                    #expect(who.json["expires_at"] == .null && who.json["platform_name"] == "Switchyard")
                }
            }
        }

        @Test("Guessing tokens at the sign-in is rate-limited")
        func tries() async throws {
            try await Fleet.with(["notifier"], environment: ["RATE_LIMIT": "20", "MOLECULE_ENV": "production"]) {
                fleet in
                var statuses: [Int: Int] = [:]
                let start = ContinuousClock.now
                for number in 0..<30 {
                    let body: JSONValue = ["token": .string("guess \(number)")]
                    // Neither an invented bearer nor an invented cookie is a purse of its own.
                    let headers: HTTPHeaders = number % 2 == 0 ? [:] : ["Cookie": "switchyard_session=\(number)"]
                    let response = try await fleet.api.call(
                        .post, "/console/session", bearer: number % 3 == 0 ? "invented \(number)" : nil, body: body,
                        headers: headers)
                    statuses[response.status, default: 0] += 1
                }
                // One try comes back every three seconds.
                let back = Int((ContinuousClock.now - start) / .seconds(3)) + 1
                #expect((statuses[401] ?? 0) <= 20 + back && (statuses[429] ?? 0) >= 10 - back, "\(statuses)")
            }
        }
    }
}
