import Foundation

/// A child workspace that prevents a deletion.
public struct ChildReference: Codable, Hashable, Sendable {
    /// The child's id.
    public var id: UUID
    /// Its name.
    public var name: String

    private enum CodingKeys: String, CodingKey {
        case id
        case name
    }

    /// Creates the value.
    public init(id: UUID, name: String) {
        self.id = id
        self.name = name
    }
}

/// The 409 response to the unconfirmed deletion of a workspace with children.
public struct DeleteConfirmation: Codable, Hashable, Sendable {
    /// Always `confirmation_required`.
    public var status: String
    /// Its children.
    public var children: [ChildReference]
    /// How many children.
    public var childrenCount: Int

    private enum CodingKeys: String, CodingKey {
        case status
        case children
        case childrenCount = "children_count"
    }

    /// Creates the value.
    public init(status: String = "confirmation_required", children: [ChildReference], childrenCount: Int) {
        self.status = status
        self.children = children
        self.childrenCount = childrenCount
    }

    /// Reads the members; those with a default may be missing.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        status = try container.decodeIfPresent(String.self, forKey: .status) ?? "confirmation_required"
        children = try container.decode([ChildReference].self, forKey: .children)
        childrenCount = try container.decode(Int.self, forKey: .childrenCount)
    }
}

/// The response to a deletion.
public struct DeleteResponse: Codable, Hashable, Sendable {
    /// `removed` or `purged`.
    public var status: String
    /// How many descendants were deleted with it.
    public var cascadeDeleted: Int

    private enum CodingKeys: String, CodingKey {
        case status
        case cascadeDeleted = "cascade_deleted"
    }

    /// Creates the value.
    public init(status: String, cascadeDeleted: Int) {
        self.status = status
        self.cascadeDeleted = cascadeDeleted
    }
}

/// A container that could not be stopped.
public struct StopFailure: Codable, Hashable, Sendable {
    /// Its workspace.
    public var workspaceID: UUID
    /// A message that is safe to show.
    public var error: String

    private enum CodingKeys: String, CodingKey {
        case workspaceID = "workspace_id"
        case error
    }

    /// Creates the value.
    public init(workspaceID: UUID, error: String) {
        self.workspaceID = workspaceID
        self.error = error
    }
}

/// The 500 response to a deletion of which not all containers could be stopped; the sweeper retries.
public struct DeleteFailure: Codable, Hashable, Sendable {
    /// A message that is safe to show.
    public var error: String
    /// How many workspaces were removed nevertheless.
    public var removedCount: Int
    /// The containers that could not be stopped.
    public var stopFailures: [StopFailure]

    private enum CodingKeys: String, CodingKey {
        case error
        case removedCount = "removed_count"
        case stopFailures = "stop_failures"
    }

    /// Creates the value.
    public init(error: String, removedCount: Int, stopFailures: [StopFailure]) {
        self.error = error
        self.removedCount = removedCount
        self.stopFailures = stopFailures
    }
}

/// The response to GET `/workspaces/{id}/state`: 200, or 404 with `deleted` true.
public struct WorkspaceState: Codable, Hashable, Sendable {
    /// The workspace.
    public var workspaceID: UUID
    /// Its status; left out for an unknown workspace.
    public var status: WorkspaceStatus?
    /// Whether it is paused; left out when deleted.
    public var paused: Bool?
    /// Whether it is removed or unknown.
    public var deleted: Bool

    private enum CodingKeys: String, CodingKey {
        case workspaceID = "workspace_id"
        case status
        case paused
        case deleted
    }

    /// Creates the value.
    public init(workspaceID: UUID, status: WorkspaceStatus? = nil, paused: Bool? = nil, deleted: Bool) {
        self.workspaceID = workspaceID
        self.status = status
        self.paused = paused
        self.deleted = deleted
    }
}

/// The response to restart, pause, resume and hibernate.
public struct LifecycleResponse: Codable, Hashable, Sendable {
    /// What was done.
    public var status: String
    /// How many workspaces were paused, after a pause.
    public var pausedCount: Int?
    /// How many workspaces were resumed, after a resume.
    public var resumedCount: Int?

    private enum CodingKeys: String, CodingKey {
        case status
        case pausedCount = "paused_count"
        case resumedCount = "resumed_count"
    }

    /// Creates the value.
    public init(status: String, pausedCount: Int? = nil, resumedCount: Int? = nil) {
        self.status = status
        self.pausedCount = pausedCount
        self.resumedCount = resumedCount
    }
}
