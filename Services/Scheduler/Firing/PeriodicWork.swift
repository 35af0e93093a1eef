import Contracts
import Foundation
import Observability
import ServiceHost
import ServiceLifecycle
import UVLoop

/// Periodic work of the scheduler, with its entry in `/admin/liveness`.
struct PeriodicWork: GracefulService {
    let name: String
    let interval: Duration
    let loop: EventLoop
    let ticks: TickStore
    let logger: Logger
    let work: @Sendable () async throws -> [String: Int]

    func run(until shutdown: ShutdownSignal) async throws {
        // Due schedules are fired within a second of the database's recovery.
        try await PeriodicService(name, every: interval, longestBackoff: .seconds(1), on: loop, runOnce)
            .run(until: shutdown)
    }

    private func runOnce() async throws {
        let start = ContinuousClock.now
        do {
            let counts = try await work()
            await ticks.note(name, duration: ContinuousClock.now - start, counts: counts)
        } catch {
            if Task.isCancelled { return }
            logger.warning("periodic work failed", [.name: .string(name), .error: .error(error)])
            await ticks.noteFailure(name, error)
            throw error
        }
    }
}
