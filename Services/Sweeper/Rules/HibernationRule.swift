import Contracts

/// When an idle workspace is hibernated.
package enum HibernationRule {
    /// The input of the rule.
    package struct Subject: Sendable, Hashable {
        package var status: WorkspaceStatus
        package var isExternal: Bool
        /// Whether the platform starts and stops its container.
        package var isManaged: Bool
        /// The idle timeout in minutes; never when nil or 0.
        package var idleMinutes: Int?
        package var activeTasks: Int
        /// Whether messages for it are queued, or are being delivered from the queue.
        package var hasMessages: Bool
        /// Seconds since its last activity: a message in or out, a change of its tasks or of its status.
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
