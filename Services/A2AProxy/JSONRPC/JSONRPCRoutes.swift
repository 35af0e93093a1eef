import Authentication
import Contracts
import EventOutbox
import Foundation
import HTTPCore
import JSONBytes
import PlatformInternals
import ServiceHost
import UVHTTPServer

/// Each agent as a standard A2A endpoint over JSON-RPC, for clients that do not know the platform.
package struct JSONRPCRoutes: Sendable {
    let authenticator: Authenticator
    let router: MessageRouter
    let sends: IdempotentSends
    let queue: QueueStore
    let relay: EventRelay
    let targets: TargetStore
    /// The platform's public URL; nil to use the host that each client used.
    let platformURL: String?

    package func add(to table: inout Router) {
        table.on(.post, "/agents/{id}", options: RouteOptions(takesTrailingSlash: true, isAudited: false)) {
            try await call($0)
        }
        table.on(.get, "/agents/{id}/.well-known/agent-card.json") { try await card($0) }
    }

    // MARK: - The agent's card

    /// The agent's card with its endpoint at the platform.
    private func card(_ request: Request) async throws -> Response {
        let id = try request.uuid("id", orError: ErrorMessage.invalidWorkspaceID)
        guard let found = try await targets.card(of: id) else {
            throw APIError(.notFound, ErrorMessage.workspaceNotFound)
        }
        guard let card = found,
            let bytes = PublishedCard.make(from: card, at: url(of: id, request))
        else { throw APIError(.notFound, "workspace has no agent card") }
        return .json(bytes: bytes)
    }

    /// An agent's endpoint at the platform.
    private func url(of id: UUID, _ request: Request) -> String {
        let own = "\(request.context.isSecure ? "https" : "http")://\(request.headers["host"] ?? "localhost")"
        return "\(platformURL ?? own)/agents/\(id.lowercased)"
    }

    // MARK: - Calls

    /// The context of one JSON-RPC call.
    private struct RPCCall {
        var request: Request
        let call: JSONRPCRequest
        let caller: Caller
        let workspace: UUID
    }

    private func call(_ request: Request) async throws -> Response {
        let caller = try await authenticator.caller(request)
        let id = try request.uuid("id", orError: ErrorMessage.invalidWorkspaceID)
        let body = try await request.jsonBytes()
        let call = JSONRPCRequest(body, namesExtensions: ProtocolHeaders.namesExtensions(request.headers))
        if let refusal = call.refusal {
            return try await callDenial(id, caller).map {
                JSONRPCResponse.adapt($0.response, to: call, at: url(of: id, request))
            } ?? JSONRPCResponse.refuse(refusal, call)
        }
        var rpc = RPCCall(request: request, call: call, caller: caller, workspace: id)
        rpc.request.body = .bytes(body)
        if let task = rpc.call.taskID, let response = try await respond(about: task, rpc) { return response }
        return try await forward(rpc)
    }

    /// The error for a caller that may not call an agent, or for an unknown agent: it takes precedence over an invalid
    /// body. Temporary obstacles do not, since an invalid body can never be delivered.
    private func callDenial(_ id: UUID, _ caller: Caller) async throws -> APIError? {
        do {
            _ = try await router.route(from: caller.workspaceID, to: id)
            return nil
        } catch RouteRefusal.error(let error) {
            return error.status == .forbidden || error.status == .notFound ? error : nil
        } catch is RouteRefusal {
            return nil
        }
    }

    private func forward(_ rpc: RPCCall) async throws -> Response {
        let url = url(of: rpc.workspace, rpc.request)
        do {
            // Queries are not queued: their clients repeat them.
            var response = try await sends.send(
                rpc.request, from: rpc.caller, to: rpc.workspace, keeping: .messages)
            if response.headers.contains("Idempotency-Replayed") {
                response.isForwarded = try await isFromAgent(response, rpc)
            }
            return JSONRPCResponse.adapt(response, to: rpc.call, at: url)
        } catch let error as APIError {
            return JSONRPCResponse.adapt(error.response, to: rpc.call, at: url)
        }
    }

    /// Whether a replayed response is the agent's. Two responses of the platform itself are stored for an
    /// `Idempotency-Key`: that the message is queued, which its item shows, and that the agent's response could not be
    /// read.
    private func isFromAgent(_ response: Response, _ rpc: RPCCall) async throws -> Bool {
        guard case .bytes(let bytes) = response.body, let body = try? JSONSlice(validating: bytes) else { return true }
        switch response.status {
        case .accepted:
            guard let id = body.find("queue_id")?.string.flatMap({ UUID(uuidString: $0) }) else { return true }
            return try await queue.task(id, of: rpc.workspace, sentBy: rpc.caller) == nil
        case .badGateway: return body.find("delivery_confirmed") == nil
        default: return true
        }
    }

    // MARK: - Tasks that are queue items

    /// - Returns: nil for a task that is not a queue item but the agent's.
    private func respond(about id: UUID, _ rpc: RPCCall) async throws -> Response? {
        guard let task = try await queue.task(id, of: rpc.workspace, sentBy: rpc.caller)
        else { return nil }
        rpc.request.context.workspaceID = rpc.workspace
        if task.status == .completed { return try await respond(id, task, rpc) }
        guard rpc.call.call == .cancel else { return JSONRPCResponse.result(queuedTask(id, task), rpc.call) }
        guard task.status == .queued else { return JSONRPCResponse.notCancelable(rpc.call, task.status) }
        return try await cancel(id, rpc)
    }

    private func queuedTask(_ id: UUID, _ task: StoredTask) -> QueuedTask {
        let state: QueuedTask.State =
            switch task.status {
            case .queued: .submitted
            case .dispatched: .working
            case .completed: .completed
            case .failed: .failed
            case .dropped: .canceled
            }
        return QueuedTask(id: id, contextID: task.contextID, state: state, note: task.lastError, at: task.at)
    }

    /// The agent has responded: with its result, or with a task of its own, for which the request is forwarded to it.
    private func respond(_ id: UUID, _ task: StoredTask, _ rpc: RPCCall) async throws -> Response {
        var ended = queuedTask(id, task)
        switch AgentResult(task.response ?? [], in: rpc.call.version) {
        case .task(_, let final?):
            return rpc.call.call == .cancel
                ? JSONRPCResponse.notCancelable(rpc.call, task.status)
                : JSONRPCResponse.result(task: final, rpc.call)
        case .task(let own, nil):
            guard let body = rpc.call.retargeted(for: own) else {
                return JSONRPCResponse.notCancelable(rpc.call, task.status)
            }
            var forwarded = rpc
            forwarded.request.body = .bytes(body)
            return try await forward(forwarded)
        case .message(let message): ended.message = message
        case .failed(let reason): (ended.state, ended.note) = (.failed, reason)
        case .text(let text): ended.note = text
        }
        return rpc.call.call == .cancel
            ? JSONRPCResponse.notCancelable(rpc.call, task.status) : JSONRPCResponse.result(ended, rpc.call)
    }

    private func cancel(_ id: UUID, _ rpc: RPCCall) async throws -> Response {
        let reason = "cancelled by its sender"
        let outcome = try await queue.drop(id, of: rpc.workspace, reason: reason)
        relay.committed(outcome.events)
        let task = try await queue.task(id, of: rpc.workspace, sentBy: rpc.caller)
        guard outcome.dropped > 0, let task else {
            return JSONRPCResponse.notCancelable(rpc.call, task?.status ?? .dropped)
        }
        return JSONRPCResponse.result(queuedTask(id, task), rpc.call)
    }
}
