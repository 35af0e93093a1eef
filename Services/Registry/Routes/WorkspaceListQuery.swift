import Contracts
import Foundation
import HTTPCore
import ServiceHost
import UVHTTPServer

/// The query of `GET /workspaces`. An invalid filter is an error: ignoring it would return the whole list.
enum WorkspaceListQuery {
    private static let limits = 1...1000

    static func filter(_ request: Request) throws(APIError) -> WorkspaceFilter {
        var filter = WorkspaceFilter()
        if let text = present(request, "status") {
            guard let status = WorkspaceStatus(rawValue: text) else {
                throw .invalidBody(field: "status", reason: "is not a status")
            }
            filter.status = status
        }
        if let text = present(request, "parent_id") {
            guard let parent = UUID(canonical: text) else {
                throw .invalidBody(field: "parent_id", reason: "must be a UUID")
            }
            filter.parent = parent
        }
        filter.text = present(request, "q")
        return filter
    }

    /// Rows of the page; `nil` for the whole list.
    static func limit(_ request: Request) throws(APIError) -> Int? {
        guard let text = present(request, "limit") else { return nil }
        guard let limit = Int(text), limits.contains(limit) else {
            throw .invalidBody(field: "limit", reason: "must be a number from 1 to 1000")
        }
        return limit
    }

    static func cursor(_ request: Request) throws(APIError) -> ListCursor? {
        guard let text = present(request, "cursor") else { return nil }
        guard let cursor = ListCursor(text) else {
            throw .invalidBody(field: "cursor", reason: "is not one that X-Next-Cursor gave")
        }
        return cursor
    }

    private static func present(_ request: Request, _ name: String) -> String? {
        request.query(name).flatMap { $0.trimmingCharacters(in: .whitespaces).isEmpty ? nil : $0 }
    }
}
