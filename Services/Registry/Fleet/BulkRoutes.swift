import Authentication
import Contracts
import EventOutbox
import Foundation
import HTTPCore
import JSONBytes
import Lifecycle
import PlatformInternals
import Postgres
import ServiceHost
import UVHTTPServer

/// `POST /workspaces/bulk`: changes many workspaces, each by the same transition as the single route.
struct BulkRoutes: Sendable {
    /// After this time no further change is begun; the response has the number of workspaces that are left.
    private static let timeBudget: Duration = .seconds(18)

    let context: ServiceContext
    let fleet: FleetStore
    let lifecycle: LifecycleRoutes

    func add(to router: inout Router) {
        router.on(.post, "/workspaces/bulk", change)
    }

    private func change(_ request: Request) async throws -> Response {
        try await context.authenticator.admin(request)
        let body = try BulkRequest(try request.jsonObject(try await request.jsonBytes()))
        request.setAuditDetail { body.audit(to: &$0) }
        let selection = try await selection(body)
        let subjects = selection.subjects
        var (results, touched) = body.isDry ? forecast(subjects, body) : await change(subjects, body)
        let left = selection.matched - results.count
        var next: BulkCursor?
        switch body.selection {
        case .ids(let ids): results += Self.unknown(ids, beside: subjects)
        case .filter:
            if left > 0, !results.isEmpty { next = BulkCursor(body.action, after: subjects[results.count - 1]) }
        }
        if body.isDry { touched += try await addDescendants(body.action, to: &results) }
        request.setAuditDetail { writer in
            body.audit(to: &writer)
            writer.member("matched", selection.matched)
            writer.member("changed", results.count { $0.outcome == .ok })
            writer.member("failed", results.count { $0.outcome == .failed })
            writer.member("touched", touched)
            writer.member("left", left)
        }
        return Self.makeResponse(results, matched: selection.matched, touched: touched, left: left, next: next)
    }

    private func selection(_ body: BulkRequest) async throws -> BulkSelection {
        switch body.selection {
        case .ids(let ids): try await fleet.selection(ids, for: body.action)
        case .filter(let filter, let cursor): try await fleet.selection(filter, for: body.action, after: cursor)
        }
    }

    private func forecast(_ subjects: [BulkSubject], _ body: BulkRequest) -> (results: [BulkResult], touched: Int) {
        let results = BulkRule.forecast(
            body.action, subjects, hasProvisioner: lifecycle.store.hasProvisioner, isConfirmed: body.isConfirmed)
        return (results, results.count { $0.outcome == .wouldChange })
    }

    /// Adds the descendants that would be changed with their ancestors, though not requested or not changed by
    /// themselves.
    ///
    /// - Returns: the number of those descendants.
    private func addDescendants(_ action: BulkAction, to results: inout [BulkResult]) async throws -> Int {
        let changed = results.filter { $0.outcome == .wouldChange }.map(\.id)
        let descendants = try await fleet.below(changed, asked: results.map(\.id), for: action)
        let positions = Dictionary(uniqueKeysWithValues: results.indices.map { (results[$0].id, $0) })
        for member in descendants.members {
            if let position = positions[member.id] {
                (results[position].outcome, results[position].error) = (.wouldChange, nil)
            } else {
                results.append(
                    BulkResult(
                        id: member.id, name: member.name, status: member.status, outcome: .wouldChange,
                        isDescendant: true))
            }
        }
        return descendants.count
    }

    /// Changes one after the other, since each locks its descendants, until the time is over or the database is
    /// unavailable.
    private func change(_ subjects: [BulkSubject], _ body: BulkRequest) async -> (results: [BulkResult], touched: Int) {
        let deadline = ContinuousClock.now + Self.timeBudget
        var (results, touched) = ([BulkResult](), 0)
        for subject in subjects where ContinuousClock.now < deadline && !Task.isCancelled {
            var result = BulkRule.result(subject, .ok)
            do {
                let done = try await lifecycle.perform(body.action, on: subject.id, isConfirmed: body.isConfirmed)
                result.status = done.status
                touched += done.count
            } catch let refusal as LifecycleRefusal {
                result = BulkRule.result(subject, BulkRule.outcome(of: refusal), refusal)
            } catch {
                result.outcome = .failed
                result.error = APIError(describing: error).message
                results.append(result)
                if (error as? PostgresError)?.kind != .server { break }
                continue
            }
            results.append(result)
        }
        return (results, touched)
    }

    private static func unknown(_ ids: [UUID], beside subjects: [BulkSubject]) -> [BulkResult] {
        let known = Set(subjects.map(\.id))
        return ids.filter { !known.contains($0) }.map {
            BulkResult(id: $0, name: nil, status: nil, outcome: .failed, error: ErrorMessage.workspaceNotFound)
        }
    }

    private static func makeResponse(
        _ results: [BulkResult], matched: Int, touched: Int, left: Int, next: BulkCursor?
    ) -> Response {
        .json(object: { writer in
            writer.member("matched", matched)
            writer.member("changed", results.count { $0.outcome == .ok })
            writer.member("touched", touched)
            writer.member("left", left)
            writer.member("next_cursor", orNull: next?.text)
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
                            writer.member("is_below", result.isDescendant)
                        }
                    }
                })
        })
    }
}

extension LifecycleRoutes {
    /// Performs the action of the single route, without waiting for the container.
    ///
    /// - Returns: the new status, and the number of changed workspaces, descendants included.
    /// - Throws: ``LifecycleRefusal``, `PostgresError`.
    func perform(
        _ action: BulkAction, on id: UUID, isConfirmed: Bool
    ) async throws -> (status: WorkspaceStatus, count: Int) {
        switch action {
        case .pause:
            let change = try await store.pause(id)
            committed(change.events)
            return (.paused, change.count)
        case .resume:
            let change = try await store.resume(id)
            committed(change.events)
            return (change.status(of: id), change.count)
        case .restart:
            committed(try await store.restart(id, reason: "restart requested").events)
            return (.provisioning, 1)
        case .hibernate:
            let change = try await store.hibernate(id, isForced: false)
            committed(change.events)
            return (change.jobs.isEmpty ? .hibernated : .hibernating, 1)
        case .delete:
            let deletion = try await store.delete(id, isConfirmed: isConfirmed, purges: false, removed: removed)
            return (.removed, 1 + deletion.descendants)
        }
    }
}
