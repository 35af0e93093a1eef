import Contracts

/// What a heartbeat does to a workspace's status: the table of the registry's specification, as a pure function.
///
/// `HeartbeatStore` says the same in SQL, for a whole batch in one statement; a test holds the two against each other.
package enum StatusRule {
    /// The part of a heartbeat that matters here.
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
    /// What an agent says of itself when every further request would fail until its restart.
    package static let wedged = "wedged"

    /// The status that a workspace in `status` changes to; `nil` when the beat leaves it as it is.
    package static func next(_ status: WorkspaceStatus, _ beat: Beat) -> WorkspaceStatus? {
        // With `status_mgmt` the platform infers nothing; what the agent says of itself still counts.
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
