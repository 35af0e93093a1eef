import Foundation

/// POST `/streams/tickets`.
public struct StreamTicketRequest: Codable, Hashable, Sendable {
    /// The workspace whose events the ticket gives access to; nil for the whole fleet, which requires an operator.
    public var workspaceID: UUID?
    /// The client names of the events to include; nil or empty for all.
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

/// A one-time credential for an event stream, for clients that cannot set a header.
public struct StreamTicket: Codable, Hashable, Sendable {
    /// The value for `?ticket=`.
    public var ticket: String
    /// When it expires.
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
