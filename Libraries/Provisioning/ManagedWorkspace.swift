import Foundation

/// A container or a config volume that is named after a workspace.
package struct ManagedWorkspace: Sendable, Hashable {
    package enum Kind: String, Sendable, Hashable {
        case container, volume
    }

    package let kind: Kind
    /// What stands where the first 12 characters of a workspace's id should: it may be anything, of any length.
    package let idPrefix: String
    /// What the engine calls the container's state (`running`, `created`, `exited`, ...); empty for a volume.
    package let state: String
    package let labels: [String: String]
    /// `nil` when the backend does not tell.
    package let createdAt: Date?
    /// It carries the labels of this instance of the platform. Others may belong to another one on the same engine, or
    /// come from before there were labels.
    package let isOurs: Bool

    package init(
        kind: Kind, idPrefix: String, state: String = "", labels: [String: String], createdAt: Date?, instance: String
    ) {
        self.kind = kind
        self.idPrefix = idPrefix
        self.state = state
        self.labels = labels
        self.createdAt = createdAt
        isOurs = WorkspaceLabels(instance: instance).areIn(labels)
    }

    /// A container with a process, or with one about to be started again.
    package var isAlive: Bool { kind == .container && ContainerState.isAlive(state) }

    /// What to stop or remove it by; `nil` when ``idPrefix`` is no beginning of an id, which is ignored before any query.
    package var workspace: WorkspaceName? { WorkspaceName(prefix: idPrefix) }
}
