import Authentication
import Contracts
import EventOutbox
import Foundation
import HTTPCore
import JSONBytes
import Observability
import PlatformInternals
import Postgres
import ServiceHost
import UVHTTPServer

/// `/workspaces/{id}/delegate` and `/workspaces/{id}/delegations...`.
package struct DelegationRoutes: Sendable {
    let authenticator: Authenticator
    let router: MessageRouter
    let store: DelegationStore
    let queue: QueueStore
    let drain: Drain
    let relay: EventRelay
    let recorder: CallRecorder
    let waker: WorkspaceWaker
    let logger: Logger

    package func add(to table: inout Router) {
        table.on(.post, "/workspaces/{id}/delegate") { try await delegate($0) }
        table.on(.get, "/workspaces/{id}/delegations") { request in
            .json(bytes: try WireJSON.encode(try await store.entries(of: try await source(request))))
        }
        table.on(.get, "/workspaces/{id}/delegations/{delegation_id}") { request in
            let source = try await source(request)
            let id = try request.uuid("delegation_id", orError: "invalid delegation ID")
            guard let delegation = try await store.delegation(id, of: source) else { throw Self.notFound }
            return .json(bytes: try WireJSON.encode(delegation))
        }
        table.on(.post, "/workspaces/{id}/delegations/record", options: RouteOptions(isAudited: false)) {
            try await record($0)
        }
        table.on(.post, "/workspaces/{id}/delegations/{delegation_id}/update", options: RouteOptions(isAudited: false))
        {
            try await update($0)
        }
        table.on(.post, "/workspaces/{id}/delegations/{delegation_id}/cancel") { try await cancel($0) }
    }

    static let notFound = APIError(.notFound, "delegation not found")

    /// The workspace in the path, the source of the delegations.
    private func source(_ request: Request) async throws -> UUID {
        try await authenticator.workspace(inPathOf: request)
    }

    /// As ``source(_:)``, for routes that write: an operator's credential does not prove that the workspace exists.
    private func existingSource(_ request: Request) async throws -> UUID {
        let source = try await source(request)
        guard let status = try await router.status(of: source), status != .removed else {
            throw APIError(.notFound, ErrorMessage.workspaceNotFound)
        }
        return source
    }

    /// The checks that delegating and recording share.
    private func target(_ text: String, of source: UUID) throws(APIError) -> UUID {
        guard let target = UUID(canonical: text) else {
            throw APIError(.badRequest, ErrorMessage.targetMustBeUUID, field: "target_id")
        }
        guard target != source else { throw APIError(.badRequest, ErrorMessage.selfDelegation, field: "target_id") }
        return target
    }

    /// Text that cannot be stored is rejected, not altered.
    private static func check(
        _ text: String?, _ field: String, orError message: String = ErrorMessage.invalidRequestBody
    ) throws(APIError) {
        guard text?.contains(byte: 0) == true else { return }
        throw APIError(.badRequest, message, field: field, reason: "must have no NUL")
    }

    // MARK: - Delegate

    private func delegate(_ request: Request) async throws -> Response {
        let source = try await existingSource(request)
        let body = try await request.decode(DelegateRequest.self, orError: ErrorMessage.invalidDelegation)
        let target = try target(body.targetID, of: source)
        guard !body.task.isEmpty else {
            throw APIError(.badRequest, ErrorMessage.invalidDelegation, field: "task", reason: "is required")
        }
        try Self.check(body.task, "task", orError: ErrorMessage.invalidDelegation)
        try Self.check(body.idempotencyKey, "idempotency_key", orError: ErrorMessage.invalidDelegation)
        try APIError.check(
            "idempotency_key", body.idempotencyKey, upTo: Limits.identifier, orError: ErrorMessage.invalidDelegation)
        var new = NewDelegation(source: source, target: target, task: body.task)
        if let key = body.idempotencyKey, !key.isEmpty { new.idempotencyKey = key }
        let availability = try await availability(from: source, to: target)
        if case .undeliverable(let reason) = availability { new.failure = reason }
        new.body = Self.message(new)
        new.traceparent = request.context.traceparent
        let created = try await store.create(new)
        if case .made(let events) = created { relay.committed(events) }
        // Before the response: a client that gets 202 does not retry. It gets that whether or not the wake-up succeeds.
        if case .hibernated(let workspace) = availability, created.isUnderWay {
            await waker.wakeOrWarn(workspace, logger)
        }
        switch created {
        case .made:
            drain.wake([target], because: .work)
            recorder.add(.delegationRequest(new))
            return .json(
                .accepted,
                bytes: try WireJSON.encode(
                    DelegateResponse(delegationID: new.id, status: "delegated", targetID: target)))
        case .existing(let id, let target, let status):
            return .json(
                bytes: try WireJSON.encode(
                    DelegateResponse(delegationID: id, status: status.rawValue, targetID: target, idempotentHit: true)))
        }
    }

    /// Whether a delegation's target can be called.
    private enum TargetAvailability {
        /// Now or later.
        case deliverable
        /// Once this workspace is woken.
        case hibernated(UUID)
        /// Not at all: the delegation fails with this text.
        case undeliverable(String)
    }

    /// - Throws: when the delegation must not be created at all.
    private func availability(from source: UUID, to target: UUID) async throws -> TargetAvailability {
        do {
            _ = try await router.route(from: source, to: target)
            return .deliverable
        } catch RouteRefusal.hibernated(let workspace) {
            return .hibernated(workspace.id)
        } catch RouteRefusal.error(let error) {
            switch error.status {
            case .forbidden, .notFound: throw error
            case .serviceUnavailable:
                let status = try await router.status(of: target)
                let mayComeUp = [.provisioning, .online, .degraded, .offline].contains(status)
                return mayComeUp ? .deliverable : .undeliverable(error.message)
            default: return .undeliverable(error.message)
            }
        }
    }

    /// The message for the target.
    static func message(_ new: NewDelegation) -> String {
        var writer = JSONWriter(reservingCapacity: new.task.utf8.count + 320)
        writer.object { writer in
            writer.member("jsonrpc", "2.0")
            writer.member("id", UUID().lowercased)
            writer.member("method", "message/send")
            writer.member(
                "params",
                object: { writer in
                    writer.member(
                        "message",
                        object: { writer in
                            writer.member("role", "user")
                            writer.member("messageId", new.id.lowercased)
                            writer.member(
                                "parts",
                                array: { writer in
                                    writer.object { writer in
                                        writer.member("type", "text")
                                        writer.member("text", new.task)
                                    }
                                })
                            writer.member("metadata", object: { $0.member("delegation_id", new.id.lowercased) })
                        })
                })
        }
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    // MARK: - Delegations recorded by agents

    private func record(_ request: Request) async throws -> Response {
        let source = try await existingSource(request)
        let body = try await request.decode(RecordDelegationRequest.self, orError: ErrorMessage.invalidDelegation)
        let target = try target(body.targetID, of: source)
        try Self.check(body.task, "task", orError: ErrorMessage.invalidDelegation)
        var new = NewDelegation(source: source, target: target, task: body.task)
        if let id = body.delegationID.flatMap({ UUID(canonical: $0) }) { new.id = id }
        new.traceparent = request.context.traceparent
        let events = try await store.record(new)
        if events.isEmpty, try await store.delegation(new.id, of: source) == nil {
            throw APIError(.conflict, "delegation_id is taken", field: "delegation_id")
        }
        relay.committed(events)
        if !events.isEmpty { recorder.add(.delegationRequest(new)) }
        return .json(
            .accepted, bytes: try WireJSON.encode(DelegateResponse(delegationID: new.id, status: "recorded")))
    }

    private func update(_ request: Request) async throws -> Response {
        let source = try await source(request)
        let id = try request.uuid("delegation_id", orError: "invalid delegation ID")
        guard try await store.delegation(id, of: source) != nil else { throw Self.notFound }
        let body = try await request.decode(UpdateDelegationRequest.self)
        guard let status = DelegationStatus(rawValue: body.status), status.isFinal else {
            throw APIError(.badRequest, ErrorMessage.delegationStatusInvalid, field: "status")
        }
        try Self.check(body.error, "error")
        try Self.check(body.responsePreview, "response_preview")
        try APIError.check("error", body.error, upTo: Limits.errorText)
        try APIError.check("response_preview", body.responsePreview, upTo: Limits.reportedResponse)
        let events = try await store.update(
            id, of: source, to: status, error: body.error, response: body.responsePreview)
        relay.committed(events)
        // It may have ended before, with another status.
        let ended = events.isEmpty ? try await store.delegation(id, of: source)?.status ?? status : status
        return .json(object: { writer in
            writer.member("status", ended.rawValue)
            writer.member("delegation_id", id.lowercased)
        })
    }

    private func cancel(_ request: Request) async throws -> Response {
        let source = try await source(request)
        let id = try request.uuid("delegation_id", orError: "invalid delegation ID")
        guard let delegation = try await store.delegation(id, of: source) else { throw Self.notFound }
        var dropped = 0
        if let item = delegation.queueID {
            let outcome = try await queue.drop(item, of: delegation.targetID, reason: "cancelled")
            relay.committed(outcome.events)
            dropped = outcome.dropped
        }
        guard dropped > 0 else {
            let status = try await store.delegation(id, of: source)?.status ?? delegation.status
            throw APIError(
                .conflict, "delegation is not queued", members: [(name: "status", value: .string(status.rawValue))])
        }
        return .json(object: { writer in
            writer.member("status", "cancelled")
            writer.member("delegation_id", id.lowercased)
        })
    }
}
