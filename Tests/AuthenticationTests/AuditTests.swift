import Contracts
import Foundation
import HTTPCore
import Observability
import PlatformInternals
import Postgres
import Testing
import TestSupport

@testable import Authentication
@testable import UVHTTPServer

@Suite("What operators do is kept")
struct AuditTests {
    private typealias Fixture = AuthenticatorFixture

    /// A request to a route, as the server makes it.
    private func request(
        _ fixture: Fixture, _ method: HTTPMethod, _ route: String, _ values: KeyValuePairs<String, String> = [:],
        headers: HTTPHeaders, options: RouteOptions = RouteOptions()
    ) -> Request {
        var request = fixture.request(method, headers)
        request.context.route = route
        request.context.options = options
        request.context.clientIP = "192.0.2.1"
        request.parameters = PathParameters(names: values.map(\.key), values: values.map(\.value))
        return request
    }

    private func entries(_ fixture: Fixture) async throws -> [String] {
        try await fixture.pool.query(
            Statement(
                "",
                """
                SELECT concat_ws(' ', actor, coalesce(actor_name, '-'), coalesce(token_prefix, '-'), via, action,
                    coalesce(target, '-'), coalesce(status::text, '-'), client_ip, service) FROM audit_log ORDER BY id
                """)
        ).map { $0.string(0) }
    }

    private let admin: HTTPHeaders = ["Authorization": "Bearer admin"]

    @Test("A change is written before it is made, once a request, and reading is not")
    func written() async throws {
        try await Fixture.with { fixture in
            let authenticator = fixture.make()
            _ = try await fixture.addOrg("ci")
            let id = UUID().uuidString.lowercased()
            let change = request(fixture, .post, "/workspaces/{id}/pause", ["id": id], headers: admin)
            _ = try await authenticator.admin(change)
            _ = try await authenticator.workspace(UUID(), change)
            #expect(change.context.auditEntry != nil)
            let org: HTTPHeaders = ["Authorization": "Bearer ci"]
            _ = try await authenticator.admin(
                request(fixture, .delete, "/a/{b}/{c}", ["b": "1", "c": "x\0y"], headers: org))
            for method in [HTTPMethod.get, .head] {
                let reading = request(fixture, method, "/workspaces", headers: admin)
                _ = try await authenticator.admin(reading)
                #expect(reading.context.auditEntry == nil)
            }
            let quiet = request(fixture, .post, "/quiet", headers: admin, options: RouteOptions(isAudited: false))
            _ = try await authenticator.admin(quiet)
            let disclosing = request(fixture, .get, "/secret", headers: admin, options: RouteOptions(isReading: false))
            _ = try await authenticator.admin(disclosing)
            #expect(
                try await entries(fixture) == [
                    "admin - - token POST /workspaces/{id}/pause \(id) - 192.0.2.1 test",
                    "org ci prefix00 token DELETE /a/{b}/{c} 1/x\u{FFFD}y - 192.0.2.1 test",
                    "admin - - token GET /secret - - 192.0.2.1 test",
                ])
        }
    }

    @Test("Signing in, by session, in open mode, and what a viewer tries")
    func kinds() async throws {
        try await Fixture.with { fixture in
            let authenticator = fixture.make()
            _ = try await fixture.addOrg("reader", role: "viewer")
            let signIn = request(fixture, .post, "/console/session", headers: [:])
            let session = try await authenticator.signIn("reader", signIn)
            try await fixture.add(session)
            #expect(signIn.context.auditEntry != nil)
            let headers: HTTPHeaders = [
                "Cookie": "switchyard_session=\(session.token.secret)", "Origin": "http://fleet.example",
            ]
            let tried = request(fixture, .post, "/workspaces", headers: headers)
            #expect(await fixture.refusal { try await authenticator.admin(tried) }?.status == .forbidden)
            #expect(tried.context.auditEntry == nil, "it has its end")
            let options = RouteOptions(isReading: true, isAudited: true)
            _ = try await authenticator.admin(
                request(fixture, .delete, "/console/session", headers: headers, options: options))
            let open = fixture.make(adminToken: nil, isDevelopment: true)
            _ = try await open.admin(request(fixture, .post, "/workspaces", headers: [:]))
            _ = await fixture.refusal { _ = try await authenticator.signIn("wrong", signIn) }
            #expect(
                try await entries(fixture) == [
                    "org reader prefix00 console POST /console/session - - 192.0.2.1 test",
                    "org reader prefix00 console POST /workspaces - 403 192.0.2.1 test",
                    "org reader prefix00 console DELETE /console/session - - 192.0.2.1 test",
                    "open - - token POST /workspaces - - 192.0.2.1 test",
                ])
        }
    }

    @Test("What cannot be written is not done")
    func failsClosed() async throws {
        try await Fixture.with { fixture in
            let authenticator = fixture.make()
            try await fixture.run("ALTER TABLE audit_log RENAME TO hidden")
            let change = request(fixture, .post, "/workspaces", headers: admin)
            let refusal = await fixture.refusal { try await authenticator.admin(change) }
            #expect(refusal?.status == .serviceUnavailable && refusal?.code == "platform_unavailable")
            #expect(await fixture.refusal { _ = try await authenticator.signIn("admin", change) }?.status.code == 503)
            _ = try await authenticator.admin(request(fixture, .get, "/workspaces", headers: admin))
        }
    }

    @Test("Many at once get entries of their own, and ends that follow an outage")
    func ends() async throws {
        try await Fixture.with { fixture in
            let log = AuditLog(postgres: fixture.pool, service: "test", loops: fixture.loops, logger: .disabled)
            let ids = try await withThrowingTaskGroup(of: (Int, Int64).self) { group in
                for number in 0..<300 {
                    let change = request(fixture, .post, "/workspaces/{id}", ["id": "\(number)"], headers: admin)
                    let entry = AuditEntry(.admin, .token, change)
                    group.addTask { (number, try await log.record(entry)) }
                }
                return try await group.reduce(into: [Int: Int64]()) { $0[$1.0] = $1.1 }
            }
            try await fixture.run("ALTER TABLE audit_log RENAME TO hidden")
            for (number, id) in ids {
                // An entry that does not fit keeps no other one out.
                let detail = #"{"q":""# + String(repeating: "x", count: number * 30) + #""}"#
                log.finish(id, status: 200 + number, detail: detail)
            }
            try await fixture.run("ALTER TABLE hidden RENAME TO audit_log")
            await log.flush()
            let wrong = try await fixture.pool.query(
                Statement("", "SELECT count(*) FROM audit_log WHERE status IS DISTINCT FROM 200 + target::int")
            ).only { $0.int(0) }
            #expect(ids.count == 300 && wrong == 0)
            let details = try await fixture.pool.query(
                Statement(
                    "", "SELECT octet_length(detail), detail = '{\"is_cut\":true}' FROM audit_log ORDER BY target::int")
            ).map { ($0.int(0), $0.bool(1)) }
            #expect(details.map(\.1) == (0..<300).map { $0 * 30 + 8 > Limits.auditDetail })
            #expect(details.allSatisfy { $0.0 <= Limits.auditDetail })
        }
    }
}
