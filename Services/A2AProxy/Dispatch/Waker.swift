import EventOutbox
import Foundation
import Lifecycle
import Observability
import PostgresClient

/// Wakes hibernated workspaces and has dead containers restarted: durable work, which whoever runs containers takes up.
package struct Waker: Sendable {
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

    /// As ``wake(_:)``, for what waits in the queue: a wake-up that fails is made up for by the drain's next search.
    func wakeOrWarn(_ workspace: UUID, _ logger: Logger) async {
        do {
            try await wake(workspace)
        } catch {
            logger.warning("workspace not woken yet", [.workspaceID: .uuid(workspace), .error: .error(error)])
        }
    }

    /// Marks a provisioned workspace offline and asks for its restart if a call to it found nobody: no one listens on the
    /// port that its container published, so the container is not running. Any other failure may be the caller's own
    /// (a ceiling of no time at all) or that of a living agent (a full queue of connections).
    ///
    /// - Returns: whether it is being restarted, on this call's account or another's.
    package func restart(_ place: Target, after outcome: CallOutcome) async -> Bool {
        guard case .absent = outcome, place.isProvisioned, let events = try? await lifecycle.lose(place.id) else {
            return false
        }
        relay.committed(events)
        if !events.isEmpty { return true }
        return (try? await targets.isRestarting(place.id)) ?? false
    }
}
