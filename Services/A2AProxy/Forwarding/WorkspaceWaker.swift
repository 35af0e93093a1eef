import EventOutbox
import Foundation
import Lifecycle
import Observability
import Postgres

/// Wakes hibernated workspaces and restarts dead containers, by durable jobs that another service carries out.
package struct WorkspaceWaker: Sendable {
    private let lifecycle: LifecycleStore
    private let relay: EventRelay
    private let targets: TargetStore

    package init(lifecycle: LifecycleStore, relay: EventRelay, targets: TargetStore) {
        self.lifecycle = lifecycle
        self.relay = relay
        self.targets = targets
    }

    /// Wakes a workspace if it is hibernated.
    package func wake(_ workspace: UUID) async throws(PostgresError) {
        relay.committed(try await lifecycle.wake(workspace))
    }

    /// As ``wake(_:)``, for queued items: a failed wake-up is repeated by the drain's next reconciliation.
    func wakeOrWarn(_ workspace: UUID, _ logger: Logger) async {
        do {
            try await wake(workspace)
        } catch {
            logger.warning("workspace not woken yet", [.workspaceID: .uuid(workspace), .error: .error(error)])
        }
    }

    /// Marks a provisioned workspace offline and requests its restart if its connection was refused: the port that its
    /// container published is closed, so the container is not running. Any other failure may be the caller's own (a
    /// ceiling of zero) or that of a live agent (a full listen backlog).
    ///
    /// - Returns: whether it is being restarted, because of this call or another one.
    package func restart(_ endpoint: Target, after outcome: CallOutcome) async -> Bool {
        guard case .absent = outcome, endpoint.isProvisioned,
            let events = try? await lifecycle.markUnreachable(endpoint.id)
        else {
            return false
        }
        relay.committed(events)
        if !events.isEmpty { return true }
        return (try? await targets.isRestarting(endpoint.id)) ?? false
    }
}
