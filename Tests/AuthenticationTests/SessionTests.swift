import Contracts
import Crypto
import Foundation
import HTTPCore
import Postgres
import Testing
import TestSupport
import UVLoop

@testable import Authentication
@testable import UVHTTPServer

@Suite("Sessions of the console")
struct SessionTests {
    private typealias Fixture = AuthenticatorFixture
    private static let own = "http://fleet.example"

    @Test("A cookie is as good as the token it was made from, for operators' routes")
    func accepted() async throws {
        try await Fixture.with { fixture in
            let authenticator = fixture.make()
            let org = try await fixture.addOrg("ci")
            for (token, identity) in [("admin", Identity.admin), ("ci", .org(org))] {
                let session = try await fixture.signIn(token, authenticator)
                let workspace = UUID()
                let request = fixture.request(session: session.secret)
                #expect(try await authenticator.admin(request) == identity)
                #expect(request.context.session == session.id)
                #expect(
                    try await authenticator.workspace(workspace, fixture.request(session: session.secret)) == identity)
                #expect(try await authenticator.viewer(fixture.request(session: session.secret)) == identity)
                #expect(try await authenticator.caller(fixture.request(session: session.secret)) == .console(identity))
                #expect(await authenticator.isStillValid(request))
                // It is no bearer, and nothing to an agent's routes.
                let bearer = fixture.request(.get, ["Authorization": "Bearer \(session.secret)"])
                #expect(await fixture.refusal { try await authenticator.admin(bearer) }?.status == .unauthorized)
                let agent = fixture.request(session: session.secret)
                #expect(
                    await fixture.refusal { try await authenticator.registry(workspace, agent) }?.status
                        == .unauthorized)
                let (holder, until) = try await authenticator.signedIn(fixture.request(session: session.secret))
                #expect(holder.identity == identity && holder.name == (token == "ci" ? "ci" : nil) && until != nil)
            }
        }
    }

    @Test("Nothing but an operator's token signs in")
    func signIn() async throws {
        try await Fixture.with { fixture in
            let authenticator = fixture.make()
            let workspace = UUID()
            try await fixture.run(
                "WITH w AS (INSERT INTO workspaces (id, name, status) VALUES ($1, 'w', 'online') RETURNING id) "
                    + "INSERT INTO workspace_auth_tokens (workspace_id, token_hash, prefix) SELECT id, $2, 'prefix00' FROM w",
                [workspace, Bytea(sha256("agent"))])
            for token in ["", "wrong", "agent", "admin "] {
                let refusal = await fixture.refusal {
                    _ = try await authenticator.signIn(token, fixture.request(.post))
                }
                #expect(refusal?.status == .unauthorized && refusal?.message == "invalid admin token", "\(token)")
            }
            // Another site's page cannot sign in.
            let foreign = fixture.request(.post, ["Origin": "http://evil.example"])
            #expect(
                await fixture.refusal { _ = try await authenticator.signIn("admin", foreign) }?.status == .forbidden)
            _ = try await authenticator.signIn("admin", fixture.request(.post, ["Origin": Self.own]))
        }
    }

    @Test("With the cookie alone only a page of the same origin changes something; a bearer needs none")
    func origin() async throws {
        try await Fixture.with { fixture in
            let authenticator = fixture.make()
            let secret = try await fixture.signIn("admin", authenticator).secret
            for origin in [nil, "null", "http://evil.example", "https://fleet.example"] {
                let request = fixture.request(.post, session: secret, origin: origin)
                let refusal = await fixture.refusal { try await authenticator.admin(request) }
                #expect(
                    refusal?.status == .forbidden && refusal?.message == "origin not allowed", "\(origin ?? "none")")
                let reading = fixture.request(.get, session: secret, origin: origin)
                #expect(try await authenticator.admin(reading) == .admin)
                #expect(throws: APIError.self) { try authenticator.checkOrigin(reading) }
                let shown = fixture.request(.post, session: secret, origin: origin, bearer: "admin")
                #expect(try await authenticator.admin(shown) == .admin)
                try authenticator.checkOrigin(shown)
            }
            let own = fixture.request(.delete, session: secret, origin: Self.own)
            #expect(try await authenticator.admin(own) == .admin)
            // A bearer that is wrong is not made good by a cookie.
            let wrong = fixture.request(session: secret, bearer: "wrong")
            #expect(await fixture.refusal { try await authenticator.admin(wrong) }?.status == .unauthorized)
        }
    }

    @Test("A session of the administrator ends with ADMIN_TOKEN, one of an org token with that")
    func credentialsEnd() async throws {
        try await Fixture.with { fixture in
            let authenticator = fixture.make()
            let org = try await fixture.addOrg("ci")
            let admin = try await fixture.signIn("admin", authenticator)
            let ci = try await fixture.signIn("ci", authenticator)
            let changed = fixture.make(adminToken: "another")
            func status(_ authenticator: Authenticator, _ secret: String) async -> HTTPStatus? {
                await fixture.refusal { try await authenticator.admin(fixture.request(session: secret)) }?.status
            }
            #expect(await status(changed, admin.secret) == .unauthorized)
            #expect(await status(changed, ci.secret) == nil)
            #expect(await status(fixture.make(adminToken: nil), admin.secret) == .unauthorized)
            #expect(await status(authenticator, ci.secret) == nil)
            try await fixture.run("UPDATE org_api_tokens SET revoked_at = now() WHERE id = $1", [org])
            #expect(await status(fixture.make(), ci.secret) == .unauthorized, "found anew")
            #expect(await status(authenticator, ci.secret) == nil, "believed for a while")
            authenticator.invalidateTokens(of: org)
            #expect(await status(authenticator, ci.secret) == .unauthorized)
            let request = fixture.request(session: admin.secret)
            #expect(try await authenticator.admin(request) == .admin)
            try await fixture.run("UPDATE console_sessions SET revoked_at = now() WHERE id = $1", [admin.id])
            authenticator.invalidateTokens(of: admin.id)
            #expect(await status(authenticator, admin.secret) == .unauthorized)
            #expect(await !authenticator.isStillValid(request))
        }
    }

    @Test("A session is not cached for longer than it lasts, and costs one query until then")
    func expiry() async throws {
        try await Fixture.with { fixture in
            let authenticator = fixture.make()
            let session = try await authenticator.signIn("admin", fixture.request(.post))
            try await fixture.add(session, lasting: 1)
            let request = fixture.request(session: session.token.secret)
            #expect(try await authenticator.admin(request) == .admin)
            try await fixture.run("ALTER TABLE console_sessions RENAME TO hidden")
            #expect(try await authenticator.admin(request) == .admin)
            try await fixture.run("ALTER TABLE hidden RENAME TO console_sessions")
            try await eventually("the session to end") {
                await fixture.refusal { try await authenticator.admin(request) }?.status == .unauthorized
            }
        }
    }

    @Test("Where all are admitted, an expired cookie locks no caller out")
    func open() async throws {
        try await Fixture.with { fixture in
            let authenticator = fixture.make(adminToken: nil, isDevelopment: true)
            let request = fixture.request(.post, session: "over")
            #expect(try await authenticator.admin(request) == .anonymous)
            #expect(try await authenticator.workspace(UUID(), request) == .anonymous)
            #expect(try await authenticator.viewer(request) == .anonymous)
            #expect(try await authenticator.caller(request) == .console(.anonymous))
            #expect(await authenticator.isStillValid(request))
            let (holder, until) = try await authenticator.signedIn(request)
            #expect(holder.identity == .anonymous && until == nil)
        }
    }

    @Test("Who only reads is refused whatever changes something, and what reads secrets")
    func viewers() async throws {
        try await Fixture.with { fixture in
            let authenticator = fixture.make()
            let id = try await fixture.addOrg("reader", role: "viewer")
            let secret = try await fixture.signIn("reader", authenticator).secret
            func requests(_ method: HTTPMethod) -> [Request] {
                [
                    fixture.request(method, ["Authorization": "Bearer reader"]),
                    fixture.request(method, session: secret, origin: Self.own),
                ]
            }
            for request in requests(.get) + requests(.head) {
                #expect(try await authenticator.admin(request) == .org(id, .viewer))
            }
            for method in [HTTPMethod.post, .put, .patch, .delete, HTTPMethod("MERGE")] {
                for request in requests(method) {
                    for refusal in [
                        await fixture.refusal { try await authenticator.admin(request) },
                        await fixture.refusal { try await authenticator.workspace(UUID(), request) },
                        await fixture.refusal { _ = try await authenticator.caller(request) },
                    ] {
                        #expect(refusal?.status == .forbidden && refusal?.message == "read-only token", "\(method)")
                    }
                }
            }
            for request in requests(.post) {
                request.context.options = RouteOptions(isReading: true)
                #expect(try await authenticator.admin(request) == .org(id, .viewer))
            }
            for request in requests(.get) {
                request.context.options = RouteOptions(isReading: false)
                #expect(await fixture.refusal { try await authenticator.admin(request) }?.message == "read-only token")
            }
        }
    }
}
