/// What an operator's token is good for.
public enum OperatorRole: String, Codable, Hashable, Sendable, CaseIterable {
    /// Everything that `ADMIN_TOKEN` is.
    case `operator`
    /// Reading: everything but the values of secrets. What would change something is refused.
    case viewer
}
