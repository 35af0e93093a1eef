import EventOutbox
import Foundation
import Lifecycle
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

    /// Marks a provisioned workspace offline and asks for its restart: nobody listens on the port that its container
    /// published, so the container is not running.
    ///
    /// - Returns: whether it is being restarted, on this call's account or another's.
    package func restart(_ workspace: UUID) async throws(PostgresError) -> Bool {
        let events = try await lifecycle.lose(workspace)
        relay.committed(events)
        if !events.isEmpty { return true }
        return try await targets.isRestarting(workspace)
    }
}
