import Contracts
import Foundation
import PlatformInternals
import UVHTTPClient

/// What the proxy knows about a workspace: enough to decide on a message and to send it, without a query.
///
/// A class, since each call passes it on several times; immutable.
package final class Target: Sendable {
    package let position: TreePosition
    package let name: String
    package let status: WorkspaceStatus
    /// Parsed once; nil when there is none, or none that can be called.
    package let url: ClientURL?
    /// There is an address, usable or not.
    package let hasURL: Bool
    /// Our own provisioner set the address: loopback and private networks are allowed.
    package let isProvisioned: Bool
    package let forwardedTo: UUID?
    /// Cents.
    package let budgetLimit: Int?
    package let monthlySpend: Int
    package let capabilities: Capabilities
    package let idleTimeout: Duration?

    package init(
        position: TreePosition, name: String = "", status: WorkspaceStatus, url: String?, isProvisioned: Bool = false,
        forwardedTo: UUID? = nil, budgetLimit: Int? = nil, monthlySpend: Int = 0, capabilities: Capabilities = [],
        idleTimeout: Duration? = nil
    ) {
        self.position = position
        self.name = name
        self.status = status
        self.url = url.flatMap { ClientURL($0) }
        hasURL = url?.isEmpty == false
        self.isProvisioned = isProvisioned
        self.forwardedTo = forwardedTo
        self.budgetLimit = budgetLimit
        self.monthlySpend = monthlySpend
        self.capabilities = capabilities
        self.idleTimeout = idleTimeout
    }

    package var id: UUID { position.id }

    /// As far up as the rules look.
    package func isInSubtree(of root: UUID) -> Bool {
        id == root || position.ancestors.contains(root)
    }

    package var isOverBudget: Bool { budgetLimit.map { monthlySpend >= $0 } ?? false }
}
