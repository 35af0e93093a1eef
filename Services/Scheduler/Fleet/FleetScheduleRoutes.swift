import Authentication
import Contracts
import Cron
import Foundation
import HTTPCore
import PlatformInternals
import ServiceHost
import UVHTTPServer

/// `/admin/schedules`: the schedules of the fleet; and `/schedules/preview`: explains an expression.
struct FleetScheduleRoutes: Sendable {
    let context: ServiceContext
    let store: FleetScheduleStore

    func add(to router: inout Router) {
        router.on(.get, "/admin/schedules", list)
        router.on(.get, "/schedules/preview", preview)
    }

    private func list(_ request: Request) async throws -> Response {
        try await context.authenticator.admin(request)
        let limit = try request.pageLimit(default: Limits.schedulePage, upTo: Limits.schedulePageMaximum)
        let cursor = try request.pageCursor(FleetScheduleCursor.init)
        return try .wire(.ok, try await store.page(try filter(request), after: cursor, limit: limit))
    }

    /// An unreadable filter is rejected: ignoring it would return schedules that were not requested.
    private func filter(_ request: Request) throws(APIError) -> FleetScheduleFilter {
        var filter = FleetScheduleFilter()
        filter.conditions = try request.words("condition", of: ScheduleCondition.self)
        if let text = request.present("workspace_id") {
            guard let id = UUID(canonical: text) else {
                throw .invalidBody(field: "workspace_id", reason: "must be a UUID")
            }
            filter.workspace = id
        }
        filter.text = request.present("q")
        try APIError.check("q", filter.text, upTo: Limits.searchText)
        if filter.text?.utf8.contains(0) == true { throw .invalidBody(field: "q", reason: "must have no NUL") }
        return filter
    }

    /// For operators and all workspaces. The response has no data of a workspace.
    private func preview(_ request: Request) async throws -> Response {
        guard try await context.authenticator.viewer(request) != nil else {
            let hasBearer = request.bearerToken != nil
            throw APIError(
                .unauthorized, hasBearer ? ErrorMessage.invalidWorkspaceToken : ErrorMessage.missingWorkspaceToken)
        }
        let cron = try ScheduleRule.check(
            expression: request.query("cron_expr") ?? "", timezone: request.query("timezone") ?? "")
        return try .wire(
            .ok, SchedulePreview(sentence: cron.explanation, next: cron.next(Limits.schedulePreview, after: Date())))
    }
}
