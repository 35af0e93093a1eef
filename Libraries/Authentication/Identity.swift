import Contracts
import Foundation

/// Who a request comes from, as its bearer shows.
package enum Identity: Sendable, Hashable {
    /// The operator: `ADMIN_TOKEN`.
    case admin
    /// An operator token of `org_api_tokens`, by its id. Its role never changes.
    case org(UUID, OperatorRole = .operator)
    /// A workspace, by a live token of its own, or on its word where it never had one.
    case workspace(UUID)
    /// Nobody in particular: let through in open development mode only.
    case anonymous

    package var workspaceID: UUID? {
        if case .workspace(let id) = self { id } else { nil }
    }

    /// Passes everywhere, a viewer only with what reads.
    package var isOperator: Bool {
        switch self {
        case .admin, .org: true
        case .workspace, .anonymous: false
        }
    }

    /// What it may do as an operator; nil for a workspace.
    package var role: OperatorRole? {
        switch self {
        case .admin, .anonymous: .operator
        case .org(_, let role): role
        case .workspace: nil
        }
    }
}

/// Who sends an A2A message.
package enum Caller: Sendable, Hashable {
    case workspace(UUID)
    /// A person at the console, or an operator's tool, by the credential that let them in: each is a caller of its own.
    case console(Identity)

    package var workspaceID: UUID? {
        if case .workspace(let id) = self { id } else { nil }
    }

    package var isConsole: Bool { workspaceID == nil }

    /// Tells callers apart that are no workspace. Nil for a workspace, and for the admin token: what was stored before
    /// operators were told apart counts as the administrator's.
    package var operatorKey: String? {
        switch self {
        case .workspace, .console(.admin): nil
        case .console(.org(let token, _)): "org:\(token.lowercased)"
        case .console(.workspace(let id)): Self.workspacePrefix + id.lowercased
        case .console(.anonymous): "anonymous"
        }
    }

    private static let workspacePrefix = "workspace:"

    /// The workspace by whose token an operator's key was made; nil for every other.
    package static func workspaceAtConsole(_ operatorKey: String) -> UUID? {
        guard operatorKey.hasPrefix(workspacePrefix) else { return nil }
        return UUID(uuidString: String(operatorKey.dropFirst(workspacePrefix.count)))
    }
}

/// Who registers an agent.
package struct Registrant: Sendable {
    package var identity: Identity
    /// A token was shown: it was not taken at its word.
    package var hasToken: Bool
    /// The workspace existed when its registrant was looked at: one that is gone since was purged.
    package var knowsOfWorkspace: Bool
    /// An id that no one created may be taken.
    package var mayCreate: Bool

    package init(identity: Identity, hasToken: Bool, knowsOfWorkspace: Bool, mayCreate: Bool) {
        self.identity = identity
        self.hasToken = hasToken
        self.knowsOfWorkspace = knowsOfWorkspace
        self.mayCreate = mayCreate
    }
}
