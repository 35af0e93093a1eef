import Foundation

/// A container or a config volume that is named after a workspace.
package struct ManagedWorkspace: Sendable, Hashable {
    package enum Kind: String, Sendable, Hashable {
        case container, volume
    }

    package let kind: Kind
    /// The part of the name where the first 12 characters of a workspace's id should be: any text, of any length.
    package let idPrefix: String
    /// The container's state with the engine's name (`running`, `created`, `exited`, ...); empty for a volume.
    package let state: String
    package let labels: [String: String]
    /// `nil` when the backend does not report it.
    package let createdAt: Date?
    /// Whether it has the labels of this instance of the platform. Others may belong to another instance on the same
    /// engine, or be older than the labels.
    package let belongsToInstance: Bool

    package init(
        kind: Kind, idPrefix: String, state: String = "", labels: [String: String], createdAt: Date?, instance: String
    ) {
        self.kind = kind
        self.idPrefix = idPrefix
        self.state = state
        self.labels = labels
        self.createdAt = createdAt
        belongsToInstance = WorkspaceLabels(instance: instance).areIn(labels)
    }

    /// Whether it is a container with a process, or with one that the engine is about to restart.
    package var isAlive: Bool { kind == .container && ContainerState.isAlive(state) }

    /// The name to stop or remove it by; `nil` when ``idPrefix`` is not the prefix of an id: then it is ignored.
    package var workspace: WorkspaceName? { WorkspaceName(prefix: idPrefix) }
}
