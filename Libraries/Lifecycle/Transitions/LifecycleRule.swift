import Contracts

/// What may be done to a workspace in which status.
package enum LifecycleRule {
    /// What a rule looks at.
    package struct Subject: Sendable, Hashable {
        package var status: WorkspaceStatus
        package var isExternal: Bool
        package var isParentPaused: Bool
        package var activeTasks: Int

        package init(
            status: WorkspaceStatus, isExternal: Bool = false, isParentPaused: Bool = false, activeTasks: Int = 0
        ) {
            self.status = status
            self.isExternal = isExternal
            self.isParentPaused = isParentPaused
            self.activeTasks = activeTasks
        }
    }

    package static func restart(_ subject: Subject, hasProvisioner: Bool) throws(LifecycleRefusal) {
        try exists(subject)
        if subject.isParentPaused { throw .parentIsPaused }
        if subject.status == .paused || subject.status == .hibernating { throw .wrongStatus(subject.status) }
        if subject.isExternal { throw .isExternal }
        if !hasProvisioner { throw .noProvisioner }
    }

    package static func pause(_ subject: Subject) throws(LifecycleRefusal) {
        try exists(subject)
        if subject.status == .paused { throw .alreadyPaused }
    }

    package static func resume(_ subject: Subject) throws(LifecycleRefusal) {
        try exists(subject)
        if subject.status != .paused { throw .notPaused }
        if subject.isParentPaused { throw .parentIsPaused }
    }

    package static func hibernate(_ subject: Subject, isForced: Bool) throws(LifecycleRefusal) {
        try exists(subject)
        if subject.isExternal { throw .isExternal }
        guard subject.status == .online || subject.status == .degraded else { throw .wrongStatus(subject.status) }
        if subject.activeTasks > 0, !isForced { throw .hasActiveTasks(subject.activeTasks) }
    }

    private static func exists(_ subject: Subject) throws(LifecycleRefusal) {
        if subject.status == .removed { throw .unknown }
    }
}
