import Observability

/// Frees workspaces that are counted busy and have long stopped saying so.
package struct PhantomSearch: Sendable {
    /// Seconds without a change of what a workspace works on.
    package static let age: Double = 600

    let store: PhantomStore
    let metrics: SchedulerMetrics
    let logger: Logger

    package init(store: PhantomStore, metrics: SchedulerMetrics, logger: Logger) {
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
                    "workspace was counted busy without a change for ten minutes, freed",
                    [.workspaceID: .uuid(workspace), .count: .int(tasks)])
            }
            count += freed.count
            if freed.count < PhantomStore.batch { break }
        }
        return ["freed": count]
    }
}
