import Foundation

/// POST `/console/session`.
public struct SignInRequest: Codable, Hashable, Sendable {
    /// The administrator's token, or one of `POST /org/tokens`.
    public var token: String

    /// Creates the value.
    public init(token: String) { self.token = token }
}

/// The kind of credential behind a console session.
public enum SessionActor: String, Codable, Hashable, Sendable, CaseIterable {
    /// The administrator's token.
    case admin
    /// An operator's token.
    case org
    /// None: in open development mode.
    case open
}

/// The session of a console user.
public struct ConsoleSession: Codable, Hashable, Sendable {
    /// The user's permissions.
    public var role: OperatorRole
    /// The credential that the user signed in with.
    public var actor: SessionActor
    /// The name of the operator's token.
    @OrNull public var name: String?
    /// Its first 8 characters.
    @OrNull public var tokenPrefix: String?
    /// When the session ends; null where there is none.
    @OrNull public var expiresAt: Date?
    /// The name of this installation.
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
