import Authentication
import Contracts
import Cron
import EventOutbox
import Foundation
import HTTPCore
import JSONBytes
import PlatformInternals
import Postgres
import ServiceHost
import UVHTTPServer

/// `/workspaces/{id}/schedules`: manages and runs a workspace's schedules.
struct ScheduleRoutes: Sendable {
    let context: ServiceContext
    let store: ScheduleStore
    let runs: ManualRunStore

    func add(to router: inout Router) {
        router.on(.get, "/workspaces/{id}/schedules", list)
        router.on(.post, "/workspaces/{id}/schedules", create)
        router.on(.patch, "/workspaces/{id}/schedules/{scheduleId}", update)
        router.on(.delete, "/workspaces/{id}/schedules/{scheduleId}", delete)
        router.on(.post, "/workspaces/{id}/schedules/{scheduleId}/run", run)
        router.on(.get, "/workspaces/{id}/schedules/{scheduleId}/history", history)
    }

    private static let notFound = APIError(.notFound, ErrorMessage.scheduleNotFound)

    private func workspace(_ request: Request) async throws -> UUID {
        try await WorkspaceAuthorization(context: context).owned(request)
    }

    /// - Throws: `APIError` 400 for an invalid id.
    private func schedule(_ request: Request) throws -> UUID {
        try request.uuid("scheduleId", orError: ErrorMessage.invalidScheduleID)
    }

    private func list(_ request: Request) async throws -> Response {
        try .wire(.ok, try await store.list(try await workspace(request)))
    }

    private func create(_ request: Request) async throws -> Response {
        let workspace = try await workspace(request)
        let body = try await request.decode(CreateScheduleRequest.self)
        let new = try ScheduleRule.check(
            name: body.name, expression: body.cronExpression, timezone: body.timezone, prompt: body.prompt)
        switch try await store.create(new, body, for: workspace) {
        case .done(let id, let next): return try .wire(.created, ScheduleCreated(id: id, nextRunAt: next))
        case .tooMany:
            throw APIError(.conflict, ErrorMessage.tooManySchedules, members: [("limit", .int(Limits.schedules))])
        case .nameTaken: throw APIError(.conflict, ErrorMessage.scheduleNameTaken, field: "name")
        case .unknown: throw APIError(.notFound, ErrorMessage.workspaceNotFound)
        }
    }

    private func update(_ request: Request) async throws -> Response {
        let workspace = try await workspace(request)
        let id = try schedule(request)
        guard try await store.exists(id, of: workspace) else { throw Self.notFound }
        let body = try await request.decode(UpdateScheduleRequest.self)
        let change = try await store.update(id, of: workspace) { old in
            var new = old
            try body.apply(to: &new)
            // A schedule that cannot be computed any more can still be disabled.
            if !new.enabled, new.cronExpression == old.cronExpression, new.timezone == old.timezone {
                new.name = try ScheduleRule.check(name: new.name)
                new.prompt = try ScheduleRule.check(prompt: new.prompt)
                return (new, nil)
            }
            let checked = try ScheduleRule.check(
                name: new.name, expression: new.cronExpression, timezone: new.timezone, prompt: new.prompt)
            (new.name, new.cronExpression, new.timezone, new.prompt) = (
                checked.name, checked.expression, checked.timezone, checked.prompt
            )
            return (new, checked.cron)
        }
        switch change {
        case .done(_, let next): return try .wire(.ok, ScheduleUpdated(nextRunAt: next))
        case .nameTaken: throw APIError(.conflict, ErrorMessage.scheduleNameTaken, field: "name")
        case .unknown, .tooMany: throw Self.notFound
        }
    }

    private func delete(_ request: Request) async throws -> Response {
        let workspace = try await workspace(request)
        guard let events = try await store.delete(try schedule(request), of: workspace) else { throw Self.notFound }
        context.relay.committed(events)
        return try .wire(.ok, StatusResponse(status: "deleted"))
    }

    private func run(_ request: Request) async throws -> Response {
        let workspace = try await workspace(request)
        switch try await runs.run(try schedule(request), of: workspace) {
        case .fired(let prompt, let events):
            context.relay.committed(events)
            return try .wire(.ok, ScheduleFired(workspaceID: workspace, prompt: prompt))
        case .unknown: throw Self.notFound
        case .refused(let status):
            throw APIError(
                .conflict, "workspace is \(status.rawValue)", members: [("status", .string(status.rawValue))])
        case .tooManyWaiting: throw APIError(.conflict, ErrorMessage.tooManyWaitingRuns)
        }
    }

    private func history(_ request: Request) async throws -> Response {
        let workspace = try await workspace(request)
        guard let runs = try await store.history(try schedule(request), of: workspace) else { throw Self.notFound }
        return try .wire(.ok, runs)
    }
}

extension UpdateScheduleRequest {
    /// - Throws: `APIError` 400 for a member that must not be null.
    fileprivate func apply(to entry: inout ScheduleEntry) throws(APIError) {
        try Self.apply(name, "name", to: &entry.name)
        try Self.apply(cronExpression, "cron_expr", to: &entry.cronExpression)
        try Self.apply(timezone, "timezone", to: &entry.timezone)
        try Self.apply(prompt, "prompt", to: &entry.prompt)
        try Self.apply(enabled, "enabled", to: &entry.enabled)
        try Self.apply(overlap, "overlap", to: &entry.overlap)
        try Self.apply(missed, "missed", to: &entry.missed)
    }

    private static func apply<Value>(_ change: Change<Value>, _ field: String, to value: inout Value) throws(APIError) {
        switch change {
        case .unchanged: break
        case .set(let new): value = new
        case .clear: throw APIError.invalidBody(field: field, reason: "must not be null")
        }
    }
}
