import Foundation

/// POST `/console/session`.
public struct SignInRequest: Codable, Hashable, Sendable {
    /// The administrator's token, or one of `POST /org/tokens`.
    public var token: String

    /// Creates the value.
    public init(token: String) { self.token = token }
}

/// What a session is made of.
public enum SessionActor: String, Codable, Hashable, Sendable, CaseIterable {
    /// The administrator's token.
    case admin
    /// An operator's token.
    case org
    /// Nothing: in open development mode.
    case open
}

/// Who is signed in at the console.
public struct ConsoleSession: Codable, Hashable, Sendable {
    /// What they may do.
    public var role: OperatorRole
    /// What they signed in with.
    public var actor: SessionActor
    /// The name of the operator's token.
    @OrNull public var name: String?
    /// Its first 8 characters.
    @OrNull public var tokenPrefix: String?
    /// When the session ends; null where there is none.
    @OrNull public var expiresAt: Date?
    /// What this installation is called.
    public var platformName: String

    private enum CodingKeys: String, CodingKey {
        case role
        case actor
        case name
        case tokenPrefix = "token_prefix"
        case expiresAt = "expires_at"
        case platformName = "platform_name"
    }

    /// Creates the value.
    public init(
        role: OperatorRole, actor: SessionActor, name: String?, tokenPrefix: String?, expiresAt: Date?,
        platformName: String
    ) {
        self.role = role
        self.actor = actor
        self.name = name
        self.tokenPrefix = tokenPrefix
        self.expiresAt = expiresAt
        self.platformName = platformName
    }
}
