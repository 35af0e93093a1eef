import Contracts

/// When a workspace is sent to sleep for being idle.
package enum HibernationRule {
    /// What the rule looks at.
    package struct Subject: Sendable, Hashable {
        package var status: WorkspaceStatus
        package var isExternal: Bool
        /// We start and stop its container.
        package var isManaged: Bool
        /// After how many minutes; never when nil or 0.
        package var idleMinutes: Int?
        package var activeTasks: Int
        /// Messages that wait for it, or are being delivered out of the queue.
        package var hasMessages: Bool
        /// Seconds since anything last happened: a message in or out, a change of its tasks or of its status.
        package var idleSeconds: Double

        package init(
            status: WorkspaceStatus, isExternal: Bool = false, isManaged: Bool = true, idleMinutes: Int?,
            activeTasks: Int = 0, hasMessages: Bool = false, idleSeconds: Double
        ) {
            self.status = status
            self.isExternal = isExternal
            self.isManaged = isManaged
            self.idleMinutes = idleMinutes
            self.activeTasks = activeTasks
            self.hasMessages = hasMessages
            self.idleSeconds = idleSeconds
        }
    }

    package static func isDue(_ subject: Subject) -> Bool {
        guard let minutes = subject.idleMinutes, minutes > 0 else { return false }
        return (subject.status == .online || subject.status == .degraded) && subject.isManaged && !subject.isExternal
            && subject.activeTasks == 0 && !subject.hasMessages && subject.idleSeconds > Double(minutes) * 60
    }
}
