import Foundation

/// A workspace's configuration was changed.
public struct WorkspaceUpdated: EventData {
    /// The events whose data this is.
    public static let types: [EventType] = [.workspaceUpdated]

    /// Its name.
    public var name: String
    /// The names of the changed members, as in the request.
    public var fields: [String]

    private enum CodingKeys: String, CodingKey {
        case name
        case fields
    }

    /// Creates the value.
    public init(name: String, fields: [String]) {
        self.name = name
        self.fields = fields
    }
}

/// A workspace has another parent.
public struct WorkspaceMoved: EventData {
    /// The events whose data this is.
    public static let types: [EventType] = [.workspaceMoved]

    /// The new parent.
    @OrNull public var parentID: UUID?
    /// The old parent.
    @OrNull public var previousParentID: UUID?

    private enum CodingKeys: String, CodingKey {
        case parentID = "parent_id"
        case previousParentID = "previous_parent_id"
    }

    /// Creates the value.
    public init(parentID: UUID? = nil, previousParentID: UUID? = nil) {
        self.parentID = parentID
        self.previousParentID = previousParentID
    }
}

/// An agent replaced its card.
public struct AgentCardUpdated: EventData {
    /// The events whose data this is.
    public static let types: [EventType] = [.agentCardUpdated]

    /// The new card.
    public var agentCard: RawJSON

    private enum CodingKeys: String, CodingKey {
        case agentCard = "agent_card"
    }

    /// Creates the value.
    public init(agentCard: RawJSON) {
        self.agentCard = agentCard
    }
}

/// A heartbeat changed the capabilities or the idle timeout; the new values are in the database.
public struct RuntimeUpdated: EventData {
    /// The events whose data this is.
    public static let types: [EventType] = [.runtimeUpdated]

    /// Creates the value.
    public init() {}
}

/// A token is no longer valid. Caches drop the token, or all tokens of the workspace when none is named.
public struct TokenRevoked: EventData {
    /// The events whose data this is.
    public static let types: [EventType] = [.tokenRevoked]

    /// The token; nil for all tokens of the workspace.
    public var tokenID: UUID?
    /// `workspace`, `org` or `console`.
    public var kind: String

    private enum CodingKeys: String, CodingKey {
        case tokenID = "token_id"
        case kind
    }

    /// Creates the value.
    public init(tokenID: UUID? = nil, kind: String = "workspace") {
        self.tokenID = tokenID
        self.kind = kind
    }

    /// Reads the members; those with a default may be missing.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        tokenID = try container.decodeIfPresent(UUID.self, forKey: .tokenID)
        kind = try container.decodeIfPresent(String.self, forKey: .kind) ?? "workspace"
    }
}

/// The liveness sweeps are suspended, or resume.
public struct SweepGuardChanged: EventData {
    /// The events whose data this is.
    public static let types: [EventType] = [.sweepHeld, .sweepReleased]

    /// The workspaces concerned.
    public var scope: SweepScope
    /// Why they are suspended; of a release, whether the cause is gone or an operator released them.
    public var reason: String
    /// How many workspaces would have gone offline.
    public var candidates: Int
    /// How many were running.
    public var running: Int
    /// The operator who released them manually: `admin`, or `org:` and the id of the token.
    public var by: String?

    private enum CodingKeys: String, CodingKey {
        case scope
        case reason
        case candidates
        case running
        case by
    }

    /// Creates the value.
    public init(scope: SweepScope, reason: String, candidates: Int, running: Int, by: String? = nil) {
        self.scope = scope
        self.reason = reason
        self.candidates = candidates
        self.running = running
        self.by = by
    }
}
