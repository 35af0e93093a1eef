import Contracts
import PlatformInternals

/// Why secrets are unavailable. Its description is safe to show to clients: it has neither a key's name nor a cause.
package enum SecretError: Error, Sendable, Hashable, CustomStringConvertible {
    /// A global secret cannot be decrypted.
    case undecryptableGlobal
    /// A secret of this workspace cannot be decrypted.
    case undecryptableWorkspace
    /// The workspace is unknown or removed.
    case noWorkspace

    init(undecryptable secretID: SecretID) {
        self = secretID.workspace == nil ? .undecryptableGlobal : .undecryptableWorkspace
    }

    package var description: String {
        switch self {
        case .undecryptableGlobal: ErrorMessage.globalSecretUndecryptable
        case .undecryptableWorkspace: ErrorMessage.workspaceSecretUndecryptable
        case .noWorkspace: ErrorMessage.workspaceNotFound
        }
    }
}
