import Contracts
import Foundation

/// The identity that a request is authenticated as.
package enum Identity: Sendable, Hashable {
    /// The operator: `ADMIN_TOKEN`.
    case admin
    /// An operator token of `org_api_tokens`, by its id. Its role never changes.
    case org(UUID, OperatorRole = .operator)
    /// A workspace, by a live token of its own, or without a token where it never had one.
    case workspace(UUID)
    /// No identity: admitted in open development mode only.
    case anonymous

    package var workspaceID: UUID? {
        if case .workspace(let id) = self { id } else { nil }
    }

    /// May use every route; a viewer, only those that read.
    package var isOperator: Bool {
        switch self {
        case .admin, .org: true
        case .workspace, .anonymous: false
        }
    }

    /// The role as an operator; nil for a workspace.
    package var role: OperatorRole? {
        switch self {
        case .admin, .anonymous: .operator
        case .org(_, let role): role
        case .workspace: nil
        }
    }
}

/// The sender of an A2A message.
package enum Caller: Sendable, Hashable {
    case workspace(UUID)
    /// A person at the console, or an operator's tool, by their credential: each is a caller of its own.
    case console(Identity)

    package var workspaceID: UUID? {
        if case .workspace(let id) = self { id } else { nil }
    }

    package var isConsole: Bool { workspaceID == nil }

    /// Distinguishes callers that are not workspaces. Nil for a workspace, and for the admin token: rows stored before
    /// operators were distinguished count as the administrator's.
    package var operatorKey: String? {
        switch self {
        case .workspace, .console(.admin): nil
        case .console(.org(let token, _)): "org:\(token.lowercased)"
        case .console(.workspace(let id)): Self.workspacePrefix + id.lowercased
        case .console(.anonymous): "anonymous"
        }
    }

    private static let workspacePrefix = "workspace:"

    /// The workspace with whose token an operator's key was made; nil for other keys.
    package static func workspaceAtConsole(_ operatorKey: String) -> UUID? {
        guard operatorKey.hasPrefix(workspacePrefix) else { return nil }
        return UUID(uuidString: String(operatorKey.dropFirst(workspacePrefix.count)))
    }
}

/// The sender of a registration.
package struct Registrant: Sendable {
    package var identity: Identity
    /// The request was authenticated by a token.
    package var hasToken: Bool
    /// The workspace existed when the request was authenticated: if it does not any more, it was purged.
    package var workspaceExisted: Bool
    /// The registration may create the workspace.
    package var mayCreate: Bool

    package init(identity: Identity, hasToken: Bool, workspaceExisted: Bool, mayCreate: Bool) {
        self.identity = identity
        self.hasToken = hasToken
        self.workspaceExisted = workspaceExisted
        self.mayCreate = mayCreate
    }
}
