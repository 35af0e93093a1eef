import Authentication
import Contracts
import EventOutbox
import Foundation
import HTTPCore
import HTTPServer
import JSONBytes
import ServiceHost

/// Each agent as a standard A2A endpoint, for clients that know nothing of the platform.
package struct StandardRoutes: Sendable {
    let authenticator: Authenticator
    let router: MessageRouter
    let sends: IdempotentSends
    let queue: QueueStore
    let relay: EventRelay
    let targets: TargetStore
    /// Where clients reach the platform; nil to take what each client used.
    let platformURL: String?

    package func add(to table: inout Router) {
        table.on(.post, "/agents/{id}", options: RouteOptions(takesTrailingSlash: true, isAudited: false)) {
            try await call($0)
        }
        table.on(.get, "/agents/{id}/.well-known/agent-card.json") { try await card($0) }
    }

    // MARK: - The agent's card

    /// The agent's card with the address at which the platform takes messages for it.
    private func card(_ request: Request) async throws -> Response {
        let id = try request.uuid("id", orError: Sentence.invalidWorkspaceID)
        guard let found = try await targets.card(of: id) else { throw APIError(.notFound, Sentence.workspaceNotFound) }
        guard let card = found,
            let bytes = PublishedCard.make(from: card, at: url(of: id, request))
        else { throw APIError(.notFound, "workspace has no agent card") }
        return .json(bytes: bytes)
    }

    /// Where the platform takes messages for an agent.
    private func url(of id: UUID, _ request: Request) -> String {
        let own = "\(request.context.isSecure ? "https" : "http")://\(request.headers["host"] ?? "localhost")"
        return "\(platformURL ?? own)/agents/\(id.lowercased)"
    }

    // MARK: - Calls

    /// One call on its way, in the client's terms.
    private struct Errand {
        var request: Request
        let call: StandardRequest
        let caller: Caller
        let workspace: UUID
    }

    private func call(_ request: Request) async throws -> Response {
        let caller = try await authenticator.caller(request)
        let id = try request.uuid("id", orError: Sentence.invalidWorkspaceID)
        let body = try await request.jsonBytes()
        let call = StandardRequest(body, namesExtensions: ProtocolHeaders.namesExtensions(request.headers))
        if let refusal = call.refusal {
            return try await whatForbidsCalling(id, caller).map {
                StandardAnswer.adapt($0.response, to: call, at: url(of: id, request))
            } ?? StandardAnswer.refuse(refusal, call)
        }
        var errand = Errand(request: request, call: call, caller: caller, workspace: id)
        errand.request.body = .bytes(body)
        if let task = errand.call.taskID, let answer = try await answer(about: task, errand) { return answer }
        return try await forward(errand)
    }

    /// Who may not call an agent, or calls none, is told that before anything about the body. Whatever else keeps a message
    /// from going there now says nothing about one that can never go.
    private func whatForbidsCalling(_ id: UUID, _ caller: Caller) async throws -> APIError? {
        do {
            _ = try await router.route(from: caller.workspaceID, to: id)
            return nil
        } catch RouteRefusal.error(let error) {
            return error.status == .forbidden || error.status == .notFound ? error : nil
        } catch is RouteRefusal {
            return nil
        }
    }

    private func forward(_ errand: Errand) async throws -> Response {
        let url = url(of: errand.workspace, errand.request)
        do {
            // What asks and brings no message makes no sense later: its client asks again.
            var response = try await sends.send(
                errand.request, from: errand.caller, to: errand.workspace, keeping: .messages)
            if response.headers.contains("Idempotency-Replayed") {
                response.isPassedOn = try await isAgents(response, errand)
            }
            return StandardAnswer.adapt(response, to: errand.call, at: url)
        } catch let error as APIError {
            return StandardAnswer.adapt(error.response, to: errand.call, at: url)
        }
    }

    /// Whose words an outcome is that was kept for its `Idempotency-Key`. Of the platform's own, two are kept: that the
    /// message waits, which its item shows, and that the agent's answer could not be read.
    private func isAgents(_ response: Response, _ errand: Errand) async throws -> Bool {
        guard case .bytes(let bytes) = response.body, let body = try? JSONSlice(validating: bytes) else { return true }
        switch response.status {
        case .accepted:
            guard let id = body.find("queue_id")?.string.flatMap({ UUID(uuidString: $0) }) else { return true }
            return try await queue.task(id, of: errand.workspace, sentBy: errand.caller) == nil
        case .badGateway: return body.find("delivery_confirmed") == nil
        default: return true
        }
    }

    // MARK: - Tasks that are messages of the queue

    /// - Returns: nil for a task that is not ours but the agent's.
    private func answer(about id: UUID, _ errand: Errand) async throws -> Response? {
        guard let task = try await queue.task(id, of: errand.workspace, sentBy: errand.caller)
        else { return nil }
        errand.request.context.workspaceID = errand.workspace
        if task.status == .completed { return try await answer(id, task, errand) }
        guard errand.call.call == .cancel else { return StandardAnswer.answer(waiting(id, task), errand.call) }
        guard task.status == .queued else { return StandardAnswer.notCancelable(errand.call, task.status) }
        return try await cancel(id, errand)
    }

    private func waiting(_ id: UUID, _ task: StoredTask) -> QueuedTask {
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

    /// The agent has answered: with its result, or with a task of its own, which it is asked about then.
    private func answer(_ id: UUID, _ task: StoredTask, _ errand: Errand) async throws -> Response {
        var ended = waiting(id, task)
        switch AgentReply(task.response ?? [], in: errand.call.version) {
        case .task(_, let final?):
            return errand.call.call == .cancel
                ? StandardAnswer.notCancelable(errand.call, task.status)
                : StandardAnswer.answer(task: final, errand.call)
        case .task(let own, nil):
            guard let body = errand.call.asking(for: own) else {
                return StandardAnswer.notCancelable(errand.call, task.status)
            }
            var asking = errand
            asking.request.body = .bytes(body)
            return try await forward(asking)
        case .message(let message): ended.message = message
        case .failed(let reason): (ended.state, ended.note) = (.failed, reason)
        case .text(let text): ended.note = text
        }
        return errand.call.call == .cancel
            ? StandardAnswer.notCancelable(errand.call, task.status) : StandardAnswer.answer(ended, errand.call)
    }

    private func cancel(_ id: UUID, _ errand: Errand) async throws -> Response {
        let reason = "cancelled by its sender"
        let outcome = try await queue.drop(id, of: errand.workspace, reason: reason)
        relay.committed(outcome.events)
        let task = try await queue.task(id, of: errand.workspace, sentBy: errand.caller)
        guard outcome.dropped > 0, let task else {
            return StandardAnswer.notCancelable(errand.call, task?.status ?? .dropped)
        }
        return StandardAnswer.answer(waiting(id, task), errand.call)
    }
}
