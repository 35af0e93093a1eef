import Foundation
import HTTPCore
import JSONBytes
import Synchronization
import UVHTTPServer
import UVLoop

@testable import WorkspaceRuntime

/// Loops shared by all tests of this target; they end with the process.
let loops = EventLoopGroup(count: 2)

/// A peer that speaks HTTP like a platform, records its requests, and sends the responses that a test sets.
final class RecordingPlatform: Sendable {
    struct Received: Sendable {
        let method: String
        /// Without the query.
        let path: String
        let target: String
        let headers: HTTPHeaders
        let body: [UInt8]

        var json: JSONValue { (try? JSONValue(decoding: body)) ?? .null }
        var bearer: String? { headers["Authorization"] }
    }

    typealias Handler = @Sendable (Received) -> Response

    private struct State {
        var received: [Received] = []
        var handlers: [String: Handler] = [:]
    }

    private let state = Mutex(State())
    private let server = Mutex<HTTPServer?>(nil)
    let port = Mutex<UInt16>(0)

    var url: String { "http://127.0.0.1:\(port.withLock { $0 })" }

    init() async throws {
        var router = Router()
        for method in [HTTPMethod.get, .post] {
            for template in ["/{a}/{b}", "/{a}/{b}/{c}", "/{a}/{b}/{c}/{d}"] {
                router.on(method, template) { [self] in try await self.take($0) }
            }
        }
        router.on(.post, "/") { [self] in try await self.take($0) }
        let server = HTTPServer(group: loops, router: router)
        let bound = try await server.start()
        port.withLock { $0 = bound }
        self.server.withLock { $0 = server }
    }

    func stop() async { await server.withLock { $0 }?.drain(within: .seconds(1)) }

    /// Sets the response to a method and path from now on; the default response is `{"status":"ok"}`.
    func setResponse(_ call: String, _ response: @escaping Handler) { state.withLock { $0.handlers[call] = response } }

    func setResponse(_ call: String, _ json: String) { setResponse(call, .ok, json) }

    func setResponse(_ call: String, _ status: HTTPStatus, _ json: String) {
        setResponse(call) { _ in .json(status, bytes: Array(json.utf8)) }
    }

    var all: [Received] { state.withLock { $0.received } }

    func received(_ call: String) -> [Received] { all.filter { "\($0.method) \($0.path)" == call } }

    private func take(_ request: Request) async throws -> Response {
        let received = Received(
            method: request.method.rawValue, path: request.path, target: request.target, headers: request.headers,
            body: try await request.body.collect(upTo: 1 << 20))
        let response = state.withLock { state in
            state.received.append(received)
            return state.handlers["\(received.method) \(received.path)"]
        }
        return response?(received) ?? .json(bytes: Array("{\"status\":\"ok\"}".utf8))
    }
}

/// Runs a test against a platform and stops it, whatever happens.
func withPlatform(_ body: (RecordingPlatform) async throws -> Void) async throws {
    let platform = try await RecordingPlatform()
    do {
        try await body(platform)
    } catch {
        await platform.stop()
        throw error
    }
    await platform.stop()
}
