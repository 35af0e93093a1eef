import Contracts
import EventLoop
import Foundation
import Lifecycle
import Synchronization

/// Waits for jobs on behalf of clients that want to know how they ended: one look at the database serves all of them.
///
/// The jobs are durable and go on without it: any instance does them, whether the client waits or hangs up.
final class Settlement: Sendable {
    /// Engines give a container ten seconds to end; then it is killed.
    private static let limit: Duration = .seconds(45)
    private static let interval: Duration = .milliseconds(50)

    private struct Waiter {
        let jobs: [UUID]
        let end: ContinuousClock.Instant
        let continuation: CheckedContinuation<[StopFailure], any Error>
    }

    private struct State {
        var waiters: [UUID: Waiter] = [:]
        var isLooking = false
    }

    private let jobs: JobStore
    private let loops: EventLoopGroup
    private let state = Mutex(State())

    init(jobs: JobStore, loops: EventLoopGroup) {
        self.jobs = jobs
        self.loops = loops
    }

    /// Returns when each job is done or has failed once, or after 45 seconds.
    ///
    /// - Returns: what is not done.
    func failures(of ids: [UUID]) async throws -> [StopFailure] {
        guard !ids.isEmpty else { return [] }
        let name = UUID()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                add(Waiter(jobs: ids, end: .now + Self.limit, continuation: continuation), name)
            }
        } onCancel: {
            end([name: .failure(CancellationError())])
        }
    }

    private func add(_ waiter: Waiter, _ name: UUID) {
        let isFirst = state.withLock { state in
            state.waiters[name] = waiter
            defer { state.isLooking = true }
            return !state.isLooking
        }
        if isFirst {
            let loop = loops.any()
            loop.spawn { await self.lookWhileAnyoneWaits(on: loop) }
        }
        // A task that was cancelled before it waited would not be told again.
        if Task.isCancelled { end([name: .failure(CancellationError())]) }
    }

    private func lookWhileAnyoneWaits(on loop: EventLoop) async {
        while let waiters = nextRound() {
            end(await outcomes(of: waiters))
            try? await loop.sleep(for: Self.interval)
        }
    }

    private func nextRound() -> [UUID: Waiter]? {
        state.withLock { state in
            if state.waiters.isEmpty {
                state.isLooking = false
                return nil
            }
            return state.waiters
        }
    }

    private func end(_ outcomes: [UUID: Result<[StopFailure], any Error>]) {
        for (name, outcome) in outcomes {
            state.withLock { $0.waiters.removeValue(forKey: name) }?.continuation.resume(with: outcome)
        }
    }

    /// - Returns: those whose wait is over.
    private func outcomes(of waiters: [UUID: Waiter]) async -> [UUID: Result<[StopFailure], any Error>] {
        let progress: [UUID: JobStore.Progress]
        do {
            let rows = try await jobs.progress(of: Array(Set(waiters.values.flatMap(\.jobs))))
            progress = Dictionary(uniqueKeysWithValues: rows.map { ($0.job, $0) })
        } catch {
            return waiters.mapValues { _ in .failure(error) }
        }
        return waiters.compactMapValues { waiter in
            let open = waiter.jobs.compactMap { progress[$0] }.filter { !$0.isDone }
            guard open.allSatisfy({ $0.error != nil }) || ContinuousClock.now > waiter.end else { return nil }
            return .success(
                open.map { StopFailure(workspaceID: $0.workspace, error: $0.error ?? Sentence.workspaceStopFailed) })
        }
    }
}
