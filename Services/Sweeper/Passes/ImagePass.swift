import Observability

/// Has containers recreated when their runtime's image has changed in its registry.
struct ImagePass: SweepPass {
    let name = "images"
    let interval: Duration = .seconds(300)
    let refresher: ImageRefresher
    let logger: Logger

    /// Each runtime by itself: one whose registry is unavailable does not block the others, and is retried at the next
    /// pass.
    func run() async throws -> [String: Int] {
        var counts: [String: Int] = [:]
        for runtime in refresher.knownRuntimes {
            try Task.checkCancellation()
            do {
                let outcome = try await refresher.refreshIfChanged(runtime)
                guard case .refreshed(let containers) = outcome else { continue }
                counts["refreshed", default: 0] += 1
                counts["recreated", default: 0] += containers
                logger.info("image refreshed", [.runtime: .string(runtime), .count: .int(containers)])
            } catch {
                counts["failed", default: 0] += 1
                logger.warning("image not refreshed", [.runtime: .string(runtime), .error: .error(error)])
            }
        }
        return counts
    }
}
