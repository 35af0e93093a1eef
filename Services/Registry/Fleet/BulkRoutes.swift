import Authentication
import Contracts
import EventOutbox
import Foundation
import HTTPCore
import HTTPServer
import JSONBytes
import Lifecycle
import PostgresClient
import ServiceHost

/// `POST /workspaces/bulk`: one change of many workspaces, each by the transition that its own route makes.
struct BulkRoutes: Sendable {
    /// After that much time of a request nothing further is begun; what is left is told.
    private static let patience: Duration = .seconds(18)

    let context: ServiceContext
    let fleet: FleetStore
    let lifecycle: LifecycleRoutes

    func add(to router: inout Router) {
        router.on(.post, "/workspaces/bulk", change)
    }

    private func change(_ request: Request) async throws -> Response {
        try await context.authenticator.admin(request)
        let body = try BulkRequest(try request.jsonObject(try await request.jsonBytes()))
        let selection = try await selection(body)
        let subjects = BulkRule.ordered(selection.subjects, for: body.action)
        var results: [BulkResult]
        if body.isDry {
            results = BulkRule.forecast(
                body.action, subjects, hasProvisioner: lifecycle.store.hasProvisioner, isConfirmed: body.isConfirmed)
        } else {
            results = await change(subjects, body)
        }
        let left = selection.matched - results.count
        if case .ids(let ids) = body.selection { results += Self.unknown(ids, beside: subjects) }
        return Self.response(results, matched: selection.matched, left: left)
    }

    private func selection(_ body: BulkRequest) async throws -> BulkSelection {
        switch body.selection {
        case .ids(let ids): try await fleet.selection(ids)
        case .filter(let filter): try await fleet.selection(filter, for: body.action)
        }
    }

    /// One after the other, since each locks what is below it, until the time is over or the database is away.
    private func change(_ subjects: [BulkSubject], _ body: BulkRequest) async -> [BulkResult] {
        let end = ContinuousClock.now + Self.patience
        var results: [BulkResult] = []
        for subject in subjects where ContinuousClock.now < end && !Task.isCancelled {
            var result = BulkRule.result(subject, .ok)
            do {
                result.status = try await lifecycle.perform(body.action, on: subject.id, isConfirmed: body.isConfirmed)
            } catch let refusal as LifecycleRefusal {
                result = BulkRule.result(subject, BulkRule.outcome(of: refusal), refusal)
            } catch {
                result.outcome = .failed
                result.error = APIError(describing: error).sentence
                results.append(result)
                if (error as? PostgresError)?.kind != .server { break }
                continue
            }
            results.append(result)
        }
        return results
    }

    private static func unknown(_ ids: [UUID], beside subjects: [BulkSubject]) -> [BulkResult] {
        let known = Set(subjects.map(\.id))
        return ids.filter { !known.contains($0) }.map {
            BulkResult(id: $0, name: nil, status: nil, outcome: .failed, error: Sentence.workspaceNotFound)
        }
    }

    private static func response(_ results: [BulkResult], matched: Int, left: Int) -> Response {
        .json(object: { writer in
            writer.member("matched", matched)
            writer.member("changed", results.count { $0.outcome == .ok })
            writer.member("left", left)
            writer.member(
                "workspaces",
                array: { writer in
                    for result in results {
                        writer.object { writer in
                            writer.member("id", result.id.lowercased)
                            writer.member("name", orNull: result.name)
                            writer.member("status", orNull: result.status?.rawValue)
                            writer.member("result", result.outcome.rawValue)
                            writer.member("error", orNull: result.error)
                        }
                    }
                })
        })
    }
}

extension LifecycleRoutes {
    /// Does to a workspace what its own route does, without waiting for its container.
    ///
    /// - Returns: the status that it has then.
    /// - Throws: ``LifecycleRefusal``, `PostgresError`.
    func perform(_ action: BulkAction, on id: UUID, isConfirmed: Bool) async throws -> WorkspaceStatus {
        switch action {
        case .pause:
            committed(try await store.pause(id).events)
            return .paused
        case .resume:
            let change = try await store.resume(id)
            committed(change.events)
            return change.status(of: id)
        case .restart:
            committed(try await store.restart(id, reason: "restart requested").events)
            return .provisioning
        case .hibernate:
            let change = try await store.hibernate(id, isForced: false)
            committed(change.events)
            return change.jobs.isEmpty ? .hibernated : .hibernating
        case .delete:
            _ = try await store.delete(id, isConfirmed: isConfirmed, purges: false, removed: removed)
            return .removed
        }
    }
}

/// The body of the request.
struct BulkRequest: Sendable {
    enum Selection: Sendable {
        case ids([UUID])
        case filter(FleetFilter)
    }

    var selection: Selection
    var action: BulkAction
    var isDry: Bool
    /// That children go with those that are deleted.
    var isConfirmed: Bool

    private static let members = ["ids", "filter", "action", "dry_run", "confirm"]

    /// A member that is not known is refused: it may be a `dry_run` that was misspelt.
    ///
    /// - Throws: `APIError` 400 naming the field.
    init(_ body: JSONObject) throws(APIError) {
        if let unknown = body.members.first(where: { !Self.members.contains($0.name) }) {
            throw .invalidBody(field: unknown.name, reason: "is not a member of the request")
        }
        let read = try Self.read(body)
        guard let action = read.action.flatMap(BulkAction.init) else {
            let known = BulkAction.allCases.map(\.rawValue).joined(separator: ", ")
            throw .invalidBody(field: "action", reason: "must be one of: \(known)")
        }
        self.action = action
        isDry = read.isDry
        isConfirmed = read.isConfirmed
        switch (read.ids, read.filter) {
        case (let ids?, nil): selection = .ids(try Self.ids(ids))
        case (nil, let filter?): selection = .filter(try FleetFilter(changing: filter))
        case (nil, nil): throw .invalidBody(field: "ids", reason: "or filter is required")
        case (.some, .some): throw .invalidBody(field: "filter", reason: "must not stand beside ids")
        }
    }

    private struct Members {
        var ids: [JSONSlice]?
        var filter: JSONObject?
        var action: String?
        var isDry: Bool
        var isConfirmed: Bool
    }

    private static func read(_ body: JSONObject) throws(APIError) -> Members {
        do {
            return Members(
                ids: try body.array("ids"), filter: try body.object("filter"), action: try body.string("action"),
                isDry: try body.bool("dry_run") ?? false, isConfirmed: try body.bool("confirm") ?? false)
        } catch {
            throw .invalidBody(error)
        }
    }

    /// Each once, in their order.
    private static func ids(_ elements: [JSONSlice]) throws(APIError) -> [UUID] {
        guard (1...Limits.bulkWorkspaces).contains(elements.count) else {
            throw .invalidBody(field: "ids", reason: "must have 1 to \(Limits.bulkWorkspaces) elements")
        }
        var ids: [UUID] = []
        var seen: Set<UUID> = []
        for element in elements {
            guard let id = element.string.flatMap({ UUID(canonical: $0) }) else {
                throw .invalidBody(field: "ids", reason: "must be UUIDs")
            }
            if seen.insert(id).inserted { ids.append(id) }
        }
        return ids
    }
}
