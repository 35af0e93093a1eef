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
        let subjects = selection.subjects
        var results: [BulkResult]
        if body.isDry {
            results = BulkRule.forecast(
                body.action, subjects, hasProvisioner: lifecycle.store.hasProvisioner, isConfirmed: body.isConfirmed)
        } else {
            results = await change(subjects, body)
        }
        let left = selection.matched - results.count
        var next: BulkCursor?
        switch body.selection {
        case .ids(let ids): results += Self.unknown(ids, beside: subjects)
        case .filter: if left > 0, !results.isEmpty { next = BulkCursor(body.action, after: subjects[results.count - 1]) }
        }
        return Self.response(results, matched: selection.matched, left: left, next: next)
    }

    private func selection(_ body: BulkRequest) async throws -> BulkSelection {
        switch body.selection {
        case .ids(let ids): try await fleet.selection(ids, for: body.action)
        case .filter(let filter, let cursor): try await fleet.selection(filter, for: body.action, after: cursor)
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

    private static func response(_ results: [BulkResult], matched: Int, left: Int, next: BulkCursor?) -> Response {
        .json(object: { writer in
            writer.member("matched", matched)
            writer.member("changed", results.count { $0.outcome == .ok })
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
