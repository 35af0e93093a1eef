import Authentication
import Contracts
import EventOutbox
import Foundation
import HTTPCore
import HTTPServer
import JSONBytes
import ServiceHost

/// `/workspaces/{id}/activity` and `/workspaces/{id}/session-search`: the feed, and what agents report to it.
struct ActivityRoutes: Sendable {
    private static let page = 100
    private static let largestPage = 500
    private static let searchPage = 50
    private static let largestSearchPage = 200

    let context: ServiceContext
    let store: ActivityStore

    func add(to router: inout Router) {
        router.on(.get, "/workspaces/{id}/activity", list)
        router.on(.post, "/workspaces/{id}/activity", report)
        router.on(.get, "/workspaces/{id}/session-search", search)
    }

    private func list(_ request: Request) async throws -> Response {
        let id = try await context.authenticator.workspace(inPathOf: request)
        var query = ActivityQuery(limit: Self.limit(request, Self.page, upTo: Self.largestPage))
        query.type = request.query("type").flatMap { $0.isEmpty ? nil : $0 }
        switch request.query("source") ?? "" {
        case "": break
        case "canvas": query.isFromPerson = true
        case "agent": query.isFromPerson = false
        default: throw APIError(.badRequest, Sentence.sourceInvalid)
        }
        if let text = request.query("before"), !text.isEmpty {
            guard let before = RFC3339.parse(text) else {
                throw APIError.invalidBody(field: "before", reason: "must be an RFC 3339 time")
            }
            query.before = before
        }
        let page = try await store.list(id, query)
        var response = Response.json(bytes: page.bytes)
        if let before = page.nextBefore { response.headers.add("X-Next-Before", RFC3339.format(before)) }
        return response
    }

    /// Garbage counts as the default.
    private static func limit(_ request: Request, _ fallback: Int, upTo largest: Int) -> Int {
        guard let limit = request.query("limit").flatMap({ Int($0) }), limit > 0 else { return fallback }
        return min(limit, largest)
    }

    private func search(_ request: Request) async throws -> Response {
        let id = try await context.authenticator.workspace(inPathOf: request)
        let limit = Self.limit(request, Self.searchPage, upTo: Self.largestSearchPage)
        return .json(bytes: try await store.search(id, for: request.query("q") ?? "", limit: limit))
    }

    private func report(_ request: Request) async throws -> Response {
        let id = try await context.authenticator.workspace(inPathOf: request)
        let bytes = try await request.jsonBytes()
        let body = try request.decode(ActivityReport.self, from: bytes)
        guard let type = ActivityType(rawValue: body.activityType), ActivityType.reportable.contains(type) else {
            throw APIError(.badRequest, Sentence.activityTypeInvalid, field: "activity_type")
        }
        if let source = body.sourceID, !source.isEmpty, UUID(canonical: source) != id {
            throw APIError(.forbidden, Sentence.sourceIDMismatch)
        }
        var target: UUID?
        if let text = body.targetID, !text.isEmpty {
            guard let id = UUID(canonical: text) else {
                throw APIError.invalidBody(field: "target_id", reason: "must be a UUID")
            }
            target = id
        }
        let raw = try JSONObject(validating: bytes)
        var activity = NewActivity(type: type)
        activity.sourceID = body.sourceID.flatMap { UUID(canonical: $0) }
        activity.targetID = target
        activity.method = Self.storable(body.method)
        activity.summary = Self.storable(body.summary)
        activity.requestBody = (raw.raw("request_body") ?? raw.raw("metadata")).map { Array($0) }
        activity.responseBody = raw.raw("response_body").map { Array($0) }
        activity.toolTrace = raw.raw("tool_trace").map { Array($0) }
        activity.status = Self.storable(body.status).flatMap { $0.isEmpty ? nil : $0 } ?? "ok"
        activity.durationMilliseconds = body.durationMilliseconds
        activity.errorDetail = Self.storable(body.errorDetail)
        guard let logged = try await store.add(activity, to: id) else {
            throw APIError(.notFound, Sentence.workspaceNotFound)
        }
        context.broadcast.send(.activityLogged, [(id, try RawJSON(encoding: logged))])
        return .json { $0.member("status", "logged") }
    }

    /// Postgres's text has no NUL.
    private static func storable(_ text: String?) -> String? {
        text.map { $0.utf8.contains(0) ? $0.replacing("\0", with: "\u{FFFD}") : $0 }
    }
}
