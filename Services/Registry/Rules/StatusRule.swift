import Contracts

/// The status transition of a workspace on a heartbeat: the table of the registry's specification, as a pure function.
///
/// `HeartbeatStore` implements the same in SQL, for a whole batch in one statement; a test compares the two.
package enum StatusRule {
    /// The part of a heartbeat that the status depends on.
    package struct Beat: Sendable, Hashable {
        package var runtimeState: String
        package var errorRate: Double
        package var capabilities: Capabilities

        package init(runtimeState: String = "", errorRate: Double = 0, capabilities: Capabilities = []) {
            self.runtimeState = runtimeState
            self.errorRate = errorRate
            self.capabilities = capabilities
        }
    }

    /// From this error rate on the platform infers that a workspace is degraded.
    package static let degradedErrorRate = 0.5
    /// Below this error rate a degraded workspace has recovered.
    package static let recoveredErrorRate = 0.1
    /// The runtime state that an agent reports when every further request would fail until its restart.
    package static let wedged = "wedged"

    /// The status that a workspace in `status` changes to; `nil` when the beat does not change it.
    package static func next(_ status: WorkspaceStatus, _ beat: Beat) -> WorkspaceStatus? {
        // With `status_mgmt` the platform infers nothing; the agent's own report still counts.
        let infers = !beat.capabilities.contains(.statusManagement)
        switch status {
        case .online:
            let isDegraded = beat.runtimeState == wedged || (infers && beat.errorRate >= degradedErrorRate)
            return isDegraded ? .degraded : nil
        case .degraded:
            let hasRecovered = infers && beat.runtimeState.isEmpty && beat.errorRate < recoveredErrorRate
            return hasRecovered ? .online : nil
        case .offline, .provisioning, .awaitingAgent:
            return .online
        case .paused, .hibernating, .hibernated, .failed, .removed:
            return nil
        }
    }
}
