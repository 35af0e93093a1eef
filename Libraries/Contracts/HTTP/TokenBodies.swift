import Foundation

/// The 201 response with a new token, which is shown only once.
public struct IssuedToken: Codable, Hashable, Sendable {
    /// The token.
    public var authToken: String
    /// The workspace that it belongs to.
    public var workspaceID: UUID
    /// A reminder to keep it.
    public var message: String

    private enum CodingKeys: String, CodingKey {
        case authToken = "auth_token"
        case workspaceID = "workspace_id"
        case message
    }

    /// Creates the value.
    public init(authToken: String, workspaceID: UUID, message: String) {
        self.authToken = authToken
        self.workspaceID = workspaceID
        self.message = message
    }
}

/// The response to GET `/admin/workspaces/{id}/test-token`.
public struct TestToken: Codable, Hashable, Sendable {
    /// The token.
    public var authToken: String
    /// The workspace that it belongs to.
    public var workspaceID: UUID

    private enum CodingKeys: String, CodingKey {
        case authToken = "auth_token"
        case workspaceID = "workspace_id"
    }

    /// Creates the value.
    public init(authToken: String, workspaceID: UUID) {
        self.authToken = authToken
        self.workspaceID = workspaceID
    }
}

/// A token in a list.
public struct TokenEntry: Codable, Hashable, Sendable {
    /// The token's id.
    public var id: UUID
    /// Its first 8 characters.
    public var prefix: String
    /// When it was issued.
    public var createdAt: Date
    /// When it was last used.
    @OrNull public var lastUsedAt: Date?

    private enum CodingKeys: String, CodingKey {
        case id
        case prefix
        case createdAt = "created_at"
        case lastUsedAt = "last_used_at"
    }

    /// Creates the value.
    public init(id: UUID, prefix: String, createdAt: Date, lastUsedAt: Date? = nil) {
        self.id = id
        self.prefix = prefix
        self.createdAt = createdAt
        self.lastUsedAt = lastUsedAt
    }
}

/// A list of valid tokens, newest first.
public struct TokenList: Codable, Hashable, Sendable {
    /// One page.
    public var tokens: [TokenEntry]
    /// How many are on it.
    public var count: Int

    private enum CodingKeys: String, CodingKey {
        case tokens
        case count
    }

    /// Creates the value.
    public init(tokens: [TokenEntry], count: Int) {
        self.tokens = tokens
        self.count = count
    }
}

/// The 201 response with a new operator's token, which is shown only once.
public struct IssuedOrgToken: Codable, Hashable, Sendable {
    /// The token's id.
    public var id: UUID
    /// The token itself.
    public var authToken: String
    /// Its first 8 characters.
    public var prefix: String
    /// Its name, which says what it is for.
    public var name: String
    /// The organisation.
    @OrNull public var orgID: String?
    /// Its permissions.
    public var role: OperatorRole

    private enum CodingKeys: String, CodingKey {
        case id
        case authToken = "auth_token"
        case prefix
        case name
        case orgID = "org_id"
        case role
    }

    /// Creates the value.
    public init(
        id: UUID, authToken: String, prefix: String, name: String, orgID: String? = nil, role: OperatorRole
    ) {
        self.id = id
        self.authToken = authToken
        self.prefix = prefix
        self.name = name
        self.orgID = orgID
        self.role = role
    }
}

/// POST `/org/tokens`.
public struct CreateOrgTokenRequest: Codable, Hashable, Sendable {
    /// Its name, which says what it is for.
    public var name: String
    /// The organisation.
    public var orgID: String?
    /// Its permissions.
    public var role: OperatorRole

    private enum CodingKeys: String, CodingKey {
        case name
        case orgID = "org_id"
        case role
    }

    /// Creates the value.
    public init(name: String = "", orgID: String? = nil, role: OperatorRole = .operator) {
        self.name = name
        self.orgID = orgID
        self.role = role
    }

    /// Reads the members; those with a default may be missing.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        name = try container.decodeIfPresent(String.self, forKey: .name) ?? ""
        orgID = try container.decodeIfPresent(String.self, forKey: .orgID)
        role = try container.decodeIfPresent(OperatorRole.self, forKey: .role) ?? .operator
    }
}

/// An operator's token in a list.
public struct OrgTokenEntry: Codable, Hashable, Sendable {
    /// The token's id.
    public var id: UUID
    /// Its name, which says what it is for.
    public var name: String
    /// The organisation.
    @OrNull public var orgID: String?
    /// Its permissions.
    public var role: OperatorRole
    /// Its first 8 characters.
    public var prefix: String
    /// When it was issued.
    public var createdAt: Date
    /// When it was last used.
    @OrNull public var lastUsedAt: Date?

    private enum CodingKeys: String, CodingKey {
        case id
        case name
        case orgID = "org_id"
        case role
        case prefix
        case createdAt = "created_at"
        case lastUsedAt = "last_used_at"
    }

    /// Creates the value.
    public init(
        id: UUID, name: String, orgID: String? = nil, role: OperatorRole, prefix: String, createdAt: Date,
        lastUsedAt: Date? = nil
    ) {
        self.id = id
        self.name = name
        self.orgID = orgID
        self.role = role
        self.prefix = prefix
        self.createdAt = createdAt
        self.lastUsedAt = lastUsedAt
    }
}

/// A list of valid operators' tokens, newest first.
public struct OrgTokenList: Codable, Hashable, Sendable {
    /// One page.
    public var tokens: [OrgTokenEntry]
    /// How many are on it.
    public var count: Int

    private enum CodingKeys: String, CodingKey {
        case tokens
        case count
    }

    /// Creates the value.
    public init(tokens: [OrgTokenEntry]) {
        self.tokens = tokens
        count = tokens.count
    }
}
