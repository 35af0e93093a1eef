import Contracts
import Crypto
import Foundation
import HTTPCore
import HTTPServer

/// The query of `GET /workspaces`. A filter that is wrong is an error: ignoring it would answer with the whole list.
enum WorkspaceListQuery {
    private static let limits = 1...1000
    /// Microseconds since 1970, up to the last second of the year 9999: so far from 1970 a date is exact to 30 of
    /// them, and the end of that second would become the year 10000.
    private static let times = 0...253_402_300_799_000_000

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

    /// The cursor's text: opaque to clients.
    static func text(_ cursor: WorkspaceCursor) -> String {
        let microseconds = Int((cursor.createdAt.timeIntervalSince1970 * 1_000_000).rounded())
        return base64URLEncode(Array("\(microseconds):\(cursor.id.lowercased)".utf8))
    }

    static func cursor(_ request: Request) throws(APIError) -> WorkspaceCursor? {
        guard let text = present(request, "cursor") else { return nil }
        let parts = base64URLDecode(text).map { String(decoding: $0, as: UTF8.self).split(separator: ":") } ?? []
        guard parts.count == 2, let microseconds = Int(parts[0]), times.contains(microseconds),
            let id = UUID(canonical: String(parts[1]))
        else {
            throw .invalidBody(field: "cursor", reason: "is not one that X-Next-Cursor gave")
        }
        return WorkspaceCursor(createdAt: Date(timeIntervalSince1970: Double(microseconds) / 1_000_000), id: id)
    }

    private static func present(_ request: Request, _ name: String) -> String? {
        request.query(name).flatMap { $0.trimmingCharacters(in: .whitespaces).isEmpty ? nil : $0 }
    }
}
