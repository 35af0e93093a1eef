import Contracts

/// Why secrets could not be had. Its description is what anyone may see: neither a key's name nor a cause is in it.
package enum SecretError: Error, Sendable, Hashable, CustomStringConvertible {
    /// A secret of all workspaces cannot be decrypted.
    case undecryptableGlobal
    /// A secret of this workspace cannot be decrypted.
    case undecryptableWorkspace
    /// The workspace is unknown or removed.
    case noWorkspace

    init(undecryptable place: SecretPlace) {
        self = place.workspace == nil ? .undecryptableGlobal : .undecryptableWorkspace
    }

    package var description: String {
        switch self {
        case .undecryptableGlobal: Sentence.globalSecretUndecryptable
        case .undecryptableWorkspace: Sentence.workspaceSecretUndecryptable
        case .noWorkspace: Sentence.workspaceNotFound
        }
    }
}
