import Foundation
import HTTPCore
import JSONBytes
import Synchronization
import UVHTTPServer
import UVLoop

/// A control plane by the contract of `docs/control-plane.md`, whose machines are entries of a table.
///
/// A machine "runs" from its `PUT` to its `DELETE`; its volume stays until it is removed. What a machine's first process
/// would have found in its volume is kept with the machine.
package final class ControlPlaneServer: Sendable {
    package struct Machine: Sendable {
        /// The request that started it.
        package let request: JSONValue
        /// The volume's files at its start, by path.
        package let files: [String: [UInt8]]
        package var state: String
        let startedAt: String
    }

    private struct State {
        var machines: [String: Machine] = [:]
        /// The volumes' files; labels beside them.
        var volumes: [String: (files: [String: [UInt8]], labels: JSONValue)] = [:]
        var override: (@Sendable (Request) async throws -> Response)?
        var received: [String] = []
    }

    package let port: UInt16
    private let token: String
    private let pageSize: Int
    private let state = Mutex(State())
    private let server = Mutex<HTTPServer?>(nil)

    package var url: String { "http://127.0.0.1:\(port)" }

    /// Starts a control plane without machines.
    ///
    /// - Parameter token: the bearer that every call must bring.
    package static func start(loops: EventLoopGroup, token: String, pageSize: Int = 2) async throws
        -> ControlPlaneServer
    {
        let plane = ControlPlaneServer(port: try Ports.free(), token: token, pageSize: pageSize)
        try await plane.listen(on: loops)
        return plane
    }

    private init(port: UInt16, token: String, pageSize: Int) {
        self.port = port
        self.token = token
        self.pageSize = pageSize
    }

    /// Serves again after ``stop()``, with the machines it had.
    package func listen(on loops: EventLoopGroup) async throws {
        var configuration = HTTPServerConfiguration()
        configuration.port = port
        let server = HTTPServer(configuration, group: loops, router: router())
        _ = try await server.start()
        self.server.withLock { $0 = server }
    }

    /// Closes the port.
    package func stop() async { await server.withLock { $0 }?.drain(within: .zero) }

    /// Responds to everything this way from now on; `nil` restores the normal behaviour.
    package func respond(with override: (@Sendable (Request) async throws -> Response)?) {
        state.withLock { $0.override = override }
    }

    /// A machine by its name.
    package func machine(_ name: String) -> Machine? { state.withLock { $0.machines[name] } }

    /// Method and target of every call so far.
    package var received: [String] { state.withLock { $0.received } }

    /// Makes a machine that another client started.
    package func addMachine(_ name: String, state text: String = "running", labels: JSONValue = [:]) {
        state.withLock {
            $0.machines[name] = Machine(
                request: ["labels": labels], files: [:], state: text, startedAt: Date().formatted(.iso8601))
        }
    }

    private func router() -> Router {
        var router = Router()
        router.on(.put, "/machines/{name}") { try await self.handle($0, self.put) }
        router.on(.get, "/machines/{name}") { try await self.handle($0, self.get) }
        router.on(.delete, "/machines/{name}") { try await self.handle($0, self.deleteMachine) }
        router.on(.delete, "/volumes/{name}") { try await self.handle($0, self.deleteVolume) }
        router.on(.get, "/machines") { try await self.handle($0, self.list) }
        return router
    }

    private func handle(
        _ request: Request, _ serve: (Request, [UInt8]) throws -> Response
    ) async throws -> Response {
        let override = state.withLock { state in
            state.received.append("\(request.method.rawValue) \(request.target)")
            return state.override
        }
        if let override { return try await override(request) }
        guard request.bearerToken == token else { return Self.error(401, "unauthorized") }
        return try serve(request, try await request.body.collect(upTo: 100 << 20))
    }

    private func put(_ request: Request, _ body: [UInt8]) throws -> Response {
        let json = try JSONValue(decoding: body)
        let name = request.parameters["name"] ?? ""
        guard let token = json["token"]?.string, let labels = json["labels"], let image = json["image"]?.string,
            let list = json["files"]?.array, json["environment"]?["WORKSPACE_ID"] == json["workspace_id"]
        else { return Self.error(400, "incomplete") }
        guard !image.contains("missing") else { return Self.error(422, "no such image") }
        state.withLock { state in
            var files = state.volumes[name]?.files ?? [:]
            for file in list {
                let content = file["content"]?.string.flatMap { Data(base64Encoded: $0) } ?? Data()
                files[file["path"]?.string ?? ""] = Array(content)
            }
            files[".auth_token"] = Array(token.utf8)
            state.volumes[name] = (files, labels)
            state.machines[name] = Machine(
                request: json, files: files, state: "running", startedAt: Date().formatted(.iso8601))
        }
        return .json(.ok) { $0.member("url", "http://10.0.0.7:8000/\(name)") }
    }

    private func get(_ request: Request, _ body: [UInt8]) throws -> Response {
        let name = request.parameters["name"] ?? ""
        guard let machine = machine(name) else { return Self.notFound }
        return .json(.ok) { writer in
            writer.member("state", machine.state)
            writer.member("url", "http://10.0.0.7:8000/\(name)")
        }
    }

    private func deleteMachine(_ request: Request, _ body: [UInt8]) throws -> Response {
        let removed = state.withLock { $0.machines.removeValue(forKey: request.parameters["name"] ?? "") }
        return removed == nil ? Self.notFound : Response(.noContent)
    }

    private func deleteVolume(_ request: Request, _ body: [UInt8]) throws -> Response {
        let volume = request.parameters["name"] ?? ""
        let name = volume.replacingOccurrences(of: "-configs", with: "")
        return state.withLock { state in
            guard state.machines[name] == nil else { return Self.error(409, "in use") }
            return state.volumes.removeValue(forKey: name) == nil ? Self.notFound : Response(.noContent)
        }
    }

    /// Two at a time, so that following the cursor matters.
    private func list(_ request: Request, _ body: [UInt8]) throws -> Response {
        let from = request.query("cursor").flatMap { Int($0) } ?? 0
        let all = entries()
        let page = all.dropFirst(from).prefix(pageSize)
        return .json(.ok) { writer in
            writer.key("items")
            writer.array { for entry in page { $0.value(entry) } }
            writer.member("next_cursor", orNull: from + page.count < all.count ? "\(from + page.count)" : nil)
        }
    }

    private func entries() -> [JSONValue] {
        state.withLock { state in
            let machines = state.machines.sorted { $0.key < $1.key }.map { name, machine -> JSONValue in
                [
                    "kind": "container", "name": .string(name), "state": .string(machine.state),
                    "labels": machine.request["labels"] ?? [:], "created_at": .string(machine.startedAt),
                ]
            }
            let volumes = state.volumes.sorted { $0.key < $1.key }.map { name, volume -> JSONValue in
                ["kind": "volume", "name": .string("\(name)-configs"), "labels": volume.labels]
            }
            return machines + volumes
        }
    }

    private static let notFound = Response.json(
        .notFound, bytes: Array(#"{"error": "no such machine", "code": "not_found"}"#.utf8))

    private static func error(_ status: HTTPStatus, _ message: String) -> Response { .error(status, message) }
}
