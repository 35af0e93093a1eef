import Observability

/// Resets workspaces whose busy state is stale: they count as busy, but have not reported so for long.
package struct PhantomBusySearch: Sendable {
    /// Seconds without a change of a workspace's tasks.
    package static let age: Double = 600

    let store: PhantomBusyStore
    let metrics: SchedulerMetrics
    let logger: Logger

    package init(store: PhantomBusyStore, metrics: SchedulerMetrics, logger: Logger) {
        self.store = store
        self.metrics = metrics
        self.logger = logger
    }

    package func reset() async throws -> [String: Int] {
        var count = 0
        while !Task.isCancelled {
            let freed = try await store.reset(olderThan: Self.age)
            for (workspace, tasks) in freed {
                metrics.phantoms.increment()
                logger.warning(
                    "workspace was busy without a change for ten minutes, reset",
                    [.workspaceID: .uuid(workspace), .count: .int(tasks)])
            }
            count += freed.count
            if freed.count < PhantomBusyStore.batch { break }
        }
        return ["freed": count]
    }
}
