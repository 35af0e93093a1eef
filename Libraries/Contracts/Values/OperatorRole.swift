/// The permissions of an operator's token.
public enum OperatorRole: String, Codable, Hashable, Sendable, CaseIterable {
    /// The same as `ADMIN_TOKEN`.
    case `operator`
    /// Read-only: everything but the values of secrets. Requests that would change something are refused.
    case viewer
}
