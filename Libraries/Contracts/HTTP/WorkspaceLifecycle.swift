import Foundation

/// A child that stands in the way of a deletion.
public struct ChildReference: Codable, Hashable, Sendable {
    /// The child.
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

/// The 409 to the deletion of a workspace with children.
public struct DeleteConfirmation: Codable, Hashable, Sendable {
    /// Always `confirmation_required`.
    public var status: String
    /// Its children.
    public var children: [ChildReference]
    /// How many.
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

/// The answer to a deletion.
public struct DeleteAnswer: Codable, Hashable, Sendable {
    /// `removed` or `purged`.
    public var status: String
    /// How many descendants went with it.
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
    /// Whose it is.
    public var workspaceID: UUID
    /// A safe sentence.
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

/// The 500 to a deletion whose containers could not all be stopped; the sweeper goes on.
public struct DeleteFailure: Codable, Hashable, Sendable {
    /// A safe sentence.
    public var error: String
    /// How many were removed all the same.
    public var removedCount: Int
    /// What could not be stopped.
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

/// GET `/workspaces/{id}/state`: 200, or 404 with `deleted` true.
public struct WorkspaceState: Codable, Hashable, Sendable {
    /// The workspace.
    public var workspaceID: UUID
    /// Left out for an unknown one.
    public var status: WorkspaceStatus?
    /// Left out when deleted.
    public var paused: Bool?
    /// Removed or unknown.
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

/// The answer to restart, pause, resume and hibernate.
public struct LifecycleAnswer: Codable, Hashable, Sendable {
    /// What happened.
    public var status: String
    /// How many were paused, after a pause.
    public var pausedCount: Int?
    /// How many were resumed, after a resume.
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
