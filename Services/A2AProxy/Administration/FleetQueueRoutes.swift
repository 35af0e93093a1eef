import AgentResponses
import Authentication
import Contracts
import EventOutbox
import Foundation
import HTTPCore
import JSONBytes
import PlatformInternals
import ServiceHost
import UVHTTPServer

/// `/admin/queue`: lists the queue of the whole fleet and changes its items in bulk.
struct FleetQueueRoutes: Sendable {
    /// After this time no further batch of a change is begun; the response has the number of items that are left.
    private static let timeBudget: Duration = .seconds(20)

    let authenticator: Authenticator
    let store: FleetQueueStore
    let relay: EventRelay
    let drain: Drain
    let contexts: QueuedContextIndex

    func add(to router: inout Router) {
        router.on(.get, "/admin/queue", list)
        router.on(.get, "/admin/queue/{queue_id}", one)
        router.on(.get, "/admin/queue/{queue_id}/body", body)
        router.on(.post, "/admin/queue/retry") { try await change(.retry, $0) }
        router.on(.post, "/admin/queue/cancel") { try await change(.cancel, $0) }
        router.on(.post, "/admin/queue/expire") { try await change(.expire, $0) }
    }

    private static let notFound = APIError(.notFound, "queue item not found")

    private func list(_ request: Request) async throws -> Response {
        try await authenticator.admin(request)
        let filter = try FleetQueueFilter(request)
        let limit = try request.pageLimit(default: Limits.queuePage, upTo: Limits.queuePageMaximum)
        return try .wire(
            .ok, try await store.page(filter, before: try request.pageCursor(ListCursor.init), limit: limit))
    }

    private func one(_ request: Request) async throws -> Response {
        try await authenticator.admin(request)
        let id = try request.uuid("queue_id", orError: "invalid queue ID")
        guard let item = try await store.item(id) else { throw Self.notFound }
        return try .wire(.ok, item)
    }

    /// The request and the response: apart from the item, so that they are read only on request.
    private func body(_ request: Request) async throws -> Response {
        let identity = try await authenticator.admin(request)
        let id = try request.uuid("queue_id", orError: "invalid queue ID")
        guard let bodies = try await store.bodies(of: id) else { throw Self.notFound }
        let isPrivate = PrivateBody.isMarked(bodies.request)
        // Bodies marked as private are not shown to viewers.
        if isPrivate, identity.role == .viewer { throw APIError(.forbidden, ErrorMessage.readOnlyToken) }
        return .json(object: { writer in
            writer.member("request", raw: RawJSON(asJSON: bodies.request).bytes)
            writer.member("response", rawOrNull: bodies.response.map { RawJSON(asJSON: $0).bytes })
            writer.member("is_private", isPrivate)
        })
    }

    // MARK: - Changes

    private func change(_ change: QueueChange, _ request: Request) async throws -> Response {
        try await authenticator.admin(request)
        let body = try request.jsonObject(try await request.jsonBytes())
        let (filter, isDry) = try Self.read(body)
        Self.note(filter, isDry: isDry, nil, request)
        let matched = try await store.count(filter, for: change)
        var response = QueueChangeResponse(matched: matched, changed: 0, left: max(0, matched - Limits.queueChange))
        if !isDry {
            let failure: (any Error)?
            (response.changed, failure) = matched == 0 ? (0, nil) : try await self.change(change, filter)
            response.stopped = failure.map { APIError(describing: $0).message }
            response.left = response.changed < matched ? try await left(filter, change, response, orAfter: failure) : 0
        }
        Self.note(filter, isDry: isDry, response, request)
        return try .wire(.ok, response)
    }

    /// The number of items left; where the count fails as well, the matched ones that were not changed.
    private func left(
        _ filter: FleetQueueFilter, _ change: QueueChange, _ response: QueueChangeResponse,
        orAfter failure: (any Error)?
    ) async throws -> Int {
        do {
            return try await store.count(filter, for: change)
        } catch {
            guard response.changed > 0 || failure != nil else { throw error }
            return response.matched - response.changed
        }
    }

    private static func note(
        _ filter: FleetQueueFilter, isDry: Bool, _ response: QueueChangeResponse?, _ request: Request
    ) {
        request.setAuditDetail { writer in
            writer.member("dry_run", isDry)
            writer.member("filter", object: { filter.audit(to: &$0) })
            writer.member("matched", ifPresent: response?.matched)
            writer.member("changed", ifPresent: response?.changed)
            writer.member("left", ifPresent: response?.left)
            writer.member("stopped", ifPresent: response?.stopped)
        }
    }

    /// Unknown members are rejected: one may be a misspelt `dry_run`.
    private static func read(_ body: JSONObject) throws(APIError) -> (filter: FleetQueueFilter, isDry: Bool) {
        if let unknown = body.members.first(where: { $0.name != "filter" && $0.name != "dry_run" }) {
            throw .invalidBody(field: unknown.name, reason: "is not a member of the request")
        }
        let filter: JSONObject?
        let isDry: Bool
        do {
            filter = try body.object("filter")
            isDry = try body.bool("dry_run") ?? false
        } catch {
            throw .invalidBody(error)
        }
        guard let filter else { throw .invalidBody(field: "filter", reason: "is required") }
        return (try FleetQueueFilter(changing: filter), isDry)
    }

    /// Changes items batch by batch; events are relayed and the drain is woken after each commit.
    ///
    /// - Returns: the number of changed items, and the error that stopped the change after some were changed.
    /// - Throws: the error that stopped it before any was.
    private func change(_ change: QueueChange, _ filter: FleetQueueFilter) async throws -> (Int, (any Error)?) {
        let deadline = ContinuousClock.now + Self.timeBudget
        var changed = 0
        var cursor: ListCursor?
        repeat {
            let limit = min(FleetQueueStore.piece, Limits.queueChange - changed)
            let batch: ChangedPiece
            do {
                batch = try await store.change(change, filter, after: cursor, limit: limit)
            } catch {
                if changed == 0 { throw error }
                return (changed, error)
            }
            relay.committed(batch.events)
            for workspace in Set(batch.withContext) { await contexts.stored(for: workspace) }
            drain.wake(Set(batch.woken), because: .work)
            changed += batch.changed
            if let failure = batch.failure { return (changed, failure) }
            cursor = batch.next
        } while cursor != nil && changed < Limits.queueChange && ContinuousClock.now < deadline && !Task.isCancelled
        return (changed, nil)
    }
}
