import ActivityFeed
import Authentication
import Contracts
import EventOutbox
import Foundation
import HTTPCore
import JSONBytes
import PlatformInternals
import ServiceHost
import UVHTTPServer

/// `POST /workspaces/{id}/activity`: agents' reports for the feed.
struct ActivityRoutes: Sendable {
    let context: ServiceContext
    let store: FeedStore
    let log: ActivityLogStore

    func add(to router: inout Router) {
        router.on(.post, "/workspaces/{id}/activity", options: RouteOptions(isAudited: false), report)
    }

    private func report(_ request: Request) async throws -> Response {
        let id = try await context.authenticator.workspace(inPathOf: request)
        // A workspace's own token implies that it exists.
        if request.caller.isOperator, try await store.name(of: id) == nil {
            throw APIError(.notFound, ErrorMessage.workspaceNotFound)
        }
        let body = try await request.decode(ActivityReportRequest.self)
        guard let type = ActivityType(rawValue: body.activityType), ActivityType.reportable.contains(type) else {
            throw APIError(.badRequest, ErrorMessage.activityTypeInvalid, field: "activity_type")
        }
        if let source = body.sourceID, !source.isEmpty, UUID(canonical: source) != id {
            throw APIError(.forbidden, ErrorMessage.sourceIDMismatch)
        }
        var target: UUID?
        if let text = body.targetID, !text.isEmpty {
            guard let id = UUID(canonical: text) else {
                throw APIError.invalidBody(field: "target_id", reason: "must be a UUID")
            }
            target = id
        }
        try Self.check(body)
        var activity = NewActivity(type: type)
        activity.sourceID = body.sourceID.flatMap { UUID(canonical: $0) }
        activity.targetID = target
        activity.method = Self.storable(body.method)
        activity.summary = Self.storable(body.summary)
        activity.requestBody = (body.requestBody ?? body.metadata)?.bytes
        activity.responseBody = body.responseBody?.bytes
        activity.toolTrace = body.toolTrace?.bytes
        activity.status = Self.storable(body.status).flatMap { $0.isEmpty ? nil : $0 } ?? "ok"
        activity.durationMilliseconds = body.durationMilliseconds
        activity.errorDetail = Self.storable(body.errorDetail)
        guard let logged = try await log.add(activity, to: id) else {
            throw APIError(.notFound, ErrorMessage.workspaceNotFound)
        }
        context.broadcast.send(.activityLogged, [(id, try RawJSON(encoding: logged))])
        return .json { $0.member("status", "logged") }
    }

    private static func check(_ report: ActivityReportRequest) throws(APIError) {
        try APIError.check("method", report.method, upTo: Limits.method)
        try APIError.check("summary", report.summary, upTo: Limits.activitySummary)
        try APIError.check("status", report.status, upTo: Limits.activityStatus)
        try APIError.check("error_detail", report.errorDetail, upTo: Limits.errorText)
    }

    /// Postgres's text has no NUL.
    private static func storable(_ text: String?) -> String? {
        text.map { $0.contains(byte: 0) ? $0.replacing("\0", with: "\u{FFFD}") : $0 }
    }
}
