import Foundation
import HTTPCore
import JSONBytes
import Observability
import Synchronization
import TestSupport
import UVHTTPClient
import UVLoop

@testable import WorkspaceRuntime

/// A client of one workspace with a token folder of its own.
func makeClient(
    _ platform: RecordingPlatform, token: String? = "first", registrationToken: String? = nil
) throws -> PlatformClient {
    let auth = PlatformAuth(configsDirectory: try TemporaryFolder.make("configs"))
    if let token { try auth.save(token) }
    return PlatformClient(
        workspaceID: UUID(), platformURL: platform.url, auth: auth, registrationToken: registrationToken,
        group: loops, logger: .disabled)
}

/// Runs an agent of its own wedge against a platform, and stops it.
func withAgent(
    _ platform: RecordingPlatform, change: (inout AgentConfiguration) -> Void = { _ in },
    handler: @escaping WorkspaceAgent.Handler = { message, _ in "echo: \(message.text)" },
    _ body: (WorkspaceAgent) async throws -> Void
) async throws {
    var configuration = AgentConfiguration(
        workspaceID: UUID(), platformURL: platform.url, card: AgentCard(name: "Test"))
    configuration.configsDirectory = try TemporaryFolder.make("agent")
    configuration.heartbeatInterval = .seconds(3600)
    change(&configuration)
    let agent = WorkspaceAgent(
        configuration, wedge: RuntimeWedge(), group: loops, logger: .disabled, handler: handler)
    try await agent.start()
    do {
        try await body(agent)
    } catch {
        await agent.stop()
        throw error
    }
    await agent.stop()
}

/// Responses of an agent under test.
struct AgentHTTPResponse {
    let status: Int
    let headers: HTTPHeaders
    let body: [UInt8]
    var json: JSONValue { (try? JSONValue(decoding: body)) ?? .null }
    /// The events of a stream.
    var events: [JSONValue] {
        String(decoding: body, as: UTF8.self).components(separatedBy: "\n\n").compactMap { event in
            event.hasPrefix("data: ") ? try? JSONValue(decoding: Array(event.dropFirst(6).utf8)) : nil
        }
    }
}

private let caller = HTTPClient(group: loops)

func call(
    _ agent: WorkspaceAgent, _ method: HTTPMethod = .post, _ path: String = "/", body: String = "",
    headers: HTTPHeaders = ["Content-Type": "application/json"]
) async throws -> AgentHTTPResponse {
    let url = "http://127.0.0.1:\(agent.port ?? 0)\(path)"
    let request = try ClientRequest(
        method, url, headers: headers, body: body.isEmpty ? .empty : .bytes(Array(body.utf8)))
    let response = try await caller.send(request, collectUpTo: 1 << 20)
    return AgentHTTPResponse(
        status: response.status.code, headers: response.headers, body: try await response.body.collect(upTo: 1 << 20))
}

func rpc(_ text: String, method: String = "message/send", kind: String = "kind", id: String = "7") -> String {
    """
    {"jsonrpc":"2.0","id":\(id),"method":"\(method)","params":{"message":{"role":"user","messageId":"m-1",\
    "contextId":"c-1","parts":[{"\(kind)":"text","text":"\(text)"}]}}}
    """
}

/// Opened once by a test; a handler waits for it.
final class Latch: Sendable {
    private let state = Mutex<(isOpen: Bool, waiters: [CheckedContinuation<Void, Never>])>((false, []))

    func open() {
        let waiters = state.withLock { state in
            state.isOpen = true
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    func wait() async {
        await withCheckedContinuation { continuation in
            let isOpen = state.withLock { state in
                if !state.isOpen { state.waiters.append(continuation) }
                return state.isOpen
            }
            if isOpen { continuation.resume() }
        }
    }
}

func status(
    _ agent: WorkspaceAgent, _ method: HTTPMethod = .post, _ path: String = "/", body: String = ""
) async throws -> Int {
    try await call(agent, method, path, body: body).status
}
