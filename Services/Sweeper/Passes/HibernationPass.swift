import EventOutbox
import Lifecycle
import Observability

/// Hibernates workspaces after their idle timeout. A message wakes them.
package struct HibernationPass: SweepPass {
    /// Workspaces of one run: each is a container to stop.
    private static let limit = 200

    package let name = "hibernation"
    package let interval: Duration
    private let store: HibernationStore
    private let relay: EventRelay
    private let worker: LifecycleWorker
    private let logger: Logger

    package init(
        interval: Duration, store: HibernationStore, relay: EventRelay, worker: LifecycleWorker, logger: Logger
    ) {
        self.interval = interval
        self.store = store
        self.relay = relay
        self.worker = worker
        self.logger = logger
    }

    package func run() async throws -> [String: Int] {
        var hibernated = 0
        var failure: (any Error)?
        for id in try await store.find(upTo: Self.limit) {
            if Task.isCancelled { break }
            do {
                let change = try await store.hibernate(id)
                relay.committed(change.events)
                hibernated += change.count
            } catch let refusal as LifecycleRefusal {
                // It was changed concurrently.
                logger.debug("workspace not hibernated", [.workspaceID: .uuid(id), .error: .string("\(refusal)")])
            } catch {
                // An error of one workspace must not block the others.
                failure = failure ?? error
            }
        }
        if hibernated > 0 { worker.wake() }
        if let failure { throw failure }
        return ["hibernated": hibernated]
    }
}
