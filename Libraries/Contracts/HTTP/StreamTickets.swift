import Foundation

/// POST `/streams/tickets`.
public struct StreamTicketRequest: Codable, Hashable, Sendable {
    /// The one whose events the ticket shows; nil for the whole fleet, which an operator may see.
    public var workspaceID: UUID?
    /// Names of the events that it shows; nil or none for all.
    public var types: [String]?

    private enum CodingKeys: String, CodingKey {
        case workspaceID = "workspace_id"
        case types
    }

    /// Creates the value.
    public init(workspaceID: UUID?, types: [String]?) {
        self.workspaceID = workspaceID
        self.types = types
    }
}

/// What opens one stream where no header can be set.
public struct StreamTicket: Codable, Hashable, Sendable {
    /// For `?ticket=`.
    public var ticket: String
    /// When it opens nothing any more.
    public var expiresAt: Date

    private enum CodingKeys: String, CodingKey {
        case ticket
        case expiresAt = "expires_at"
    }

    /// Creates the value.
    public init(ticket: String, expiresAt: Date) {
        self.ticket = ticket
        self.expiresAt = expiresAt
    }
}
