import AgentResponses
import Authentication
import Contracts
import EventOutbox
import Foundation
import HTTPCore
import JSONBytes
import PlatformInternals
import Postgres
import ServiceHost
import UVHTTPServer

/// The routes that read the queue, drop its items or retry them.
package struct QueueRoutes: Sendable {
    private static let listLimit = 500

    let authenticator: Authenticator
    let store: QueueStore
    let relay: EventRelay
    let drain: Drain
    let contexts: QueuedContextIndex

    package func add(to table: inout Router) {
        table.on(.get, "/queue/{queue_id}") { try await one($0) }
        table.on(.get, "/workspaces/{id}/queue") { try await list($0) }
        table.on(.delete, "/workspaces/{id}/queue/{queue_id}") { try await drop($0) }
        table.on(.post, "/admin/a2a-queue/drop-stale") { try await dropStale($0) }
        table.on(.post, "/admin/a2a-queue/{queue_id}/retry") { try await retry($0) }
    }

    private static let notFound = APIError(.notFound, "queue item not found")
    private static let noWorkspace = UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))

    private func itemID(_ request: Request) throws -> UUID {
        try request.uuid("queue_id", orError: "invalid queue ID")
    }

    /// For its caller or an operator; other callers are refused whether or not the item exists.
    private func one(_ request: Request) async throws -> Response {
        let id = try? itemID(request)
        var sender: UUID?
        if let id { sender = try await store.sender(of: id) }
        let identity: Identity
        if let sender, request.sessionCookie == nil || request.bearerToken != nil {
            // A caller that never had a token is accepted by its id alone here, as when it sent the message.
            identity = try await authenticator.registry(sender, request)
        } else {
            // At the console the session cookie counts.
            identity = try await authenticator.workspace(sender ?? Self.noWorkspace, request)
        }
        guard var item = try await store.item(try itemID(request)) else { throw Self.notFound }
        if identity.role == .viewer, let body = try await store.request(of: item.queueID), PrivateBody.isMarked(body) {
            (item.response, item.responseBase64) = (nil, nil)
        }
        return .json(bytes: try WireJSON.encode(item))
    }

    private func list(_ request: Request) async throws -> Response {
        let workspace = try await authenticator.workspace(inPathOf: request)
        let filter = try filter(request)
        return .json(bytes: try WireJSON.encode(try await store.items(of: workspace, filter, limit: Self.listLimit)))
    }

    private static let listed: [QueueStatus] = [.queued, .dispatched, .failed, .dropped]

    /// An unreadable filter is rejected: ignoring it would return items that were not requested.
    private func filter(_ request: Request) throws -> QueueFilter {
        var filter = QueueFilter()
        if let text = request.query("status"), !text.isEmpty {
            guard let status = QueueStatus(rawValue: text), Self.listed.contains(status) else {
                let names = Self.listed.map(\.rawValue).joined(separator: ", ")
                throw APIError(.badRequest, "invalid status", field: "status", reason: "one of: \(names)")
            }
            filter.status = status
        }
        filter.caller = try workspaceQuery("caller_id", request)
        if let text = request.query("min_age_minutes"), !text.isEmpty {
            guard let minutes = Int(text), minutes > 0, minutes < 10_000_000 else {
                throw APIError(.badRequest, "min_age_minutes must be a positive integer", field: "min_age_minutes")
            }
            filter.minutes = minutes
        }
        return filter
    }

    private func workspaceQuery(_ name: String, _ request: Request) throws -> UUID? {
        guard let text = request.query(name), !text.isEmpty else { return nil }
        guard let id = UUID(canonical: text) else {
            throw APIError(.badRequest, ErrorMessage.invalidWorkspaceID, field: name)
        }
        return id
    }

    private func drop(_ request: Request) async throws -> Response {
        let workspace = try await authenticator.workspace(inPathOf: request)
        let id = try itemID(request)
        let outcome = try await store.drop(id, of: workspace, reason: "dropped on request")
        if outcome.dropped == 0 {
            guard let item = try await store.item(id), item.workspaceID == workspace else { throw Self.notFound }
            throw Self.conflict("queue item is not waiting", item.status.rawValue)
        }
        relay.committed(outcome.events)
        return .json(bytes: try WireJSON.encode(StatusResponse(status: "dropped")))
    }

    private func dropStale(_ request: Request) async throws -> Response {
        try await authenticator.admin(request)
        guard let minutes = Int(request.query("max_age_minutes") ?? "60"), minutes > 0, minutes < 10_000_000 else {
            throw APIError(.badRequest, ErrorMessage.maxAgeInvalid, field: "max_age_minutes")
        }
        let workspace = try workspaceQuery("workspace_id", request)
        var dropped = 0
        // Items dropped before an error are audited, too.
        defer {
            request.setAuditDetail { writer in
                writer.member("max_age_minutes", minutes)
                writer.member("workspace_id", ifPresent: workspace?.lowercased)
                writer.member("dropped", dropped)
            }
        }
        var isLast = false
        while !isLast {
            let batch = try await store.dropStale(minutes: minutes, of: workspace, reason: "dropped as stale")
            relay.committed(batch.events)
            dropped += batch.dropped
            isLast = batch.dropped < QueueStore.staleBatch
        }
        return .json(bytes: try WireJSON.encode(DropStaleResponse(dropped: dropped)))
    }

    private static func conflict(_ message: String, _ status: String?) -> APIError {
        APIError(.conflict, message, members: status.map { [(name: "status", value: .string($0))] } ?? [])
    }

    private func retry(_ request: Request) async throws -> Response {
        try await authenticator.admin(request)
        let id = try itemID(request)
        do {
            switch try await store.retry(id) {
            case .queued(let workspace, let events):
                relay.committed(events)
                // The item may have a context: direct messages of it must be checked from now on.
                await contexts.stored(for: workspace)
                drain.wake([workspace], because: .work)
            case .unknown: throw Self.notFound
            case .notFailed(let status): throw Self.conflict("queue item has not failed", status.rawValue)
            case .workspaceRemoved:
                throw Self.conflict(ErrorMessage.workspaceRemoved, WorkspaceStatus.removed.rawValue)
            case .delegationEnded(let status): throw Self.conflict("delegation has ended", status?.rawValue)
            }
        } catch let error as PostgresError where error.isUniqueViolation() {
            throw APIError(.conflict, "the same message is in the queue already")
        }
        return .json(object: { writer in
            writer.member("status", "queued")
            writer.member("queue_id", id.lowercased)
        })
    }
}
