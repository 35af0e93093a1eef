import HTTPCore
import UVHTTPServer

/// Responds with 404 to requests of other organisations (`spec`: contracts, HTTP conventions).
package struct OrganizationMiddleware: Sendable {
    private static let header = "x-molecule-org-id"
    private static let open: Set<Substring> = [
        "/health", "/ready", "/metrics", "/registry/register", "/registry/heartbeat",
    ]

    private let id: String

    package init(id: String) {
        self.id = id
    }

    /// The empty 404 for a request of another organisation; `nil` for those of this one.
    package func refusal(of head: HTTPMessageHead) -> Response? {
        let path = head.target.prefix { $0 != "?" }
        let isAdmitted = Self.open.contains(path) || head.headers[Self.header] == id || announcesOrganization(head)
        return isAdmitted ? nil : Response(.notFound)
    }

    /// A browser's preflight cannot carry the header; it names the header that the request itself will carry.
    private func announcesOrganization(_ head: HTTPMessageHead) -> Bool {
        guard head.method == .options, let names = head.headers["access-control-request-headers"] else { return false }
        return names.split(separator: ",").contains { name in
            name.trimmingPrefix { $0 == " " }.lowercased() == Self.header
        }
    }
}
