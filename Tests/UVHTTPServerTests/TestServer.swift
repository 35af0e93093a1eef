import Foundation
import HTTPCore
import Observability
import TestSupport
import UVHTTPServer
import UVLoop

/// A server of one test, on loops of its own.
final class TestServer: Sendable {
    let group: EventLoopGroup
    let server: HTTPServer
    let port: UInt16
    let metrics: MetricsRegistry

    init(
        loops: Int = 1, configure: (inout HTTPServerConfiguration) -> Void = { _ in },
        admission: Admission? = nil, middleware: [any Middleware] = [], routes: (inout Router) -> Void = { _ in }
    ) async throws {
        var configuration = HTTPServerConfiguration()
        configuration.lingerTimeout = .milliseconds(500)
        configure(&configuration)
        var router = Router()
        Self.addCommonRoutes(&router)
        routes(&router)
        group = EventLoopGroup(count: loops)
        metrics = MetricsRegistry(includesProcess: false)
        server = HTTPServer(
            configuration, group: group, router: router, admission: admission, middleware: middleware, metrics: metrics)
        port = try await server.start()
    }

    func client() throws -> RawClient { try RawClient(port: port) }

    func stop() async {
        await server.drain(within: .seconds(2))
        group.shutdown()
    }

    static func addCommonRoutes(_ router: inout Router) {
        router.on(.get, "/hello") { _ in .text("hello") }
        router.on(.post, "/echo") { request in
            Response(.ok, body: .bytes(try await request.body.collect(upTo: 1 << 30)))
        }
        router.on(.post, "/ignore") { _ in .text("ignored") }
        router.on(.get, "/workspaces/{id}") { request in
            guard let id = UUID(uuidString: request.parameters["id"] ?? "") else {
                throw APIError(.badRequest, "invalid id", field: "id", reason: "must be a UUID")
            }
            return .text(id.uuidString.lowercased())
        }
        router.on(.get, "/workspaces/pending") { _ in .text("pending") }
        router.on(.get, "/fail") { _ in throw Secret() }
    }

    struct Secret: Error {
        let words = "password is hunter2"
    }
}

/// Runs a test against a server and stops the server, whatever happens.
func withServer(
    loops: Int = 1, configure: (inout HTTPServerConfiguration) -> Void = { _ in }, admission: Admission? = nil,
    middleware: [any Middleware] = [], routes: (inout Router) -> Void = { _ in },
    _ body: (TestServer) async throws -> Void
) async throws {
    let server = try await TestServer(
        loops: loops, configure: configure, admission: admission, middleware: middleware, routes: routes)
    do {
        try await body(server)
    } catch {
        await server.stop()
        throw error
    }
    await server.stop()
}
