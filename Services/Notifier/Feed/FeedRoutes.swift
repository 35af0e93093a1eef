import Authentication
import Contracts
import Foundation
import HTTPCore
import PlatformInternals
import ServiceHost
import UVHTTPServer

/// `GET /workspaces/{id}/activity` and `/workspaces/{id}/session-search`: the feed, and search in it.
struct FeedRoutes: Sendable {
    private static let page = 100
    private static let largestPage = 500
    private static let searchPage = 50
    private static let largestSearchPage = 200

    let context: ServiceContext
    let store: FeedStore
    let slow: SlowQueryBulkhead
    let indexer: FeedIndexer
    let memory: ResponseMemory

    func add(to router: inout Router) {
        router.on(.get, "/workspaces/{id}/activity", list)
        router.on(.get, "/workspaces/{id}/session-search", search)
    }

    private func list(_ request: Request) async throws -> Response {
        let id = try await context.authenticator.workspace(inPathOf: request)
        var query = ActivityQuery(limit: Self.limit(request, Self.page, upTo: Self.largestPage))
        query.type = try Self.type(request)
        switch request.query("source") ?? "" {
        case "": break
        case "canvas": query.isFromPerson = true
        case "agent": query.isFromPerson = false
        default: throw APIError(.badRequest, ErrorMessage.sourceInvalid)
        }
        query.before = try Self.position(request)
        query.hidesPrivate = request.caller.role == .viewer
        return try await respond(to: request) { [query] in
            guard query.isFiltered else { return try await store.list(id, query) }
            return try await slow.run(for: request) { try await slow.store.list(id, query) }
        }
    }

    private static func type(_ request: Request) throws(APIError) -> String? {
        guard let text = request.query("type"), !text.isEmpty else { return nil }
        guard ActivityType(rawValue: text) != nil else {
            let known = ActivityType.allCases.map(\.rawValue).joined(separator: ", ")
            throw .invalidBody(field: "type", reason: "must be one of \(known)")
        }
        return text
    }

    /// Garbage counts as the default.
    private static func limit(_ request: Request, _ fallback: Int, upTo largest: Int) -> Int {
        guard let limit = request.query("limit").flatMap({ Int($0) }), limit > 0 else { return fallback }
        return min(limit, largest)
    }

    private static func position(_ request: Request) throws(APIError) -> ActivityPosition? {
        guard let text = request.query("before"), !text.isEmpty else { return nil }
        guard let position = ActivityPosition(text) else {
            throw .invalidBody(field: "before", reason: "must be an RFC 3339 time, or what X-Next-Before gave")
        }
        return position
    }

    private func search(_ request: Request) async throws -> Response {
        let id = try await context.authenticator.workspace(inPathOf: request)
        let limit = Self.limit(request, Self.searchPage, upTo: Self.largestSearchPage)
        let before = try Self.position(request)
        let typed = request.query("q") ?? ""
        guard typed.unicodeScalars.count <= SearchText.limit else {
            throw APIError.invalidBody(field: "q", reason: "must not be longer than \(SearchText.limit) characters")
        }
        let text = SearchText(typed)
        let hidesPrivate = request.caller.role == .viewer
        return try await respond(to: request) {
            guard let text else {
                return try await ActivitySearch(store: store).find(
                    nil, in: id, before: before, limit: limit, hidesPrivate: hidesPrivate)
            }
            return try await slow.run(for: request) {
                try await ActivitySearch(store: slow.store, indexer: indexer).find(
                    text, in: id, before: before, limit: limit, hidesPrivate: hidesPrivate)
            }
        }
    }

    private func respond(
        to request: Request, with page: () async throws -> ActivityPage
    ) async throws -> Response {
        let reservation = try await memory.reserve(FeedStore.pageBytes, for: request)
        let page = try await page()
        reservation.resize(to: page.bytes.count)
        var response = Response.json(bytes: page.bytes)
        response.retained = reservation
        if let next = page.next { response.headers.add("X-Next-Before", next.text) }
        return response
    }
}
