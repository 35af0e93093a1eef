import Contracts
import Foundation
import Lifecycle
import PlatformInternals
import Synchronization
import UVLoop

/// Waits for jobs on behalf of clients that need their outcome: one query of the database serves all of them.
///
/// The jobs are durable and independent of it: any instance performs them, whether the client waits or disconnects.
final class JobWaiter: Sendable {
    /// Engines give a container ten seconds to stop before they kill it.
    private static let timeout: Duration = .seconds(45)
    private static let interval: Duration = .milliseconds(50)

    private struct Waiter {
        let jobs: [UUID]
        let deadline: ContinuousClock.Instant
        let continuation: CheckedContinuation<[StopFailure], any Error>
    }

    private struct State {
        var waiters: [UUID: Waiter] = [:]
        var isPolling = false
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
    /// - Returns: the jobs that are not done.
    func failures(of ids: [UUID]) async throws -> [StopFailure] {
        guard !ids.isEmpty else { return [] }
        let name = UUID()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                add(Waiter(jobs: ids, deadline: .now + Self.timeout, continuation: continuation), name)
            }
        } onCancel: {
            end([name: .failure(CancellationError())])
        }
    }

    private func add(_ waiter: Waiter, _ name: UUID) {
        let isFirst = state.withLock { state in
            state.waiters[name] = waiter
            defer { state.isPolling = true }
            return !state.isPolling
        }
        if isFirst {
            let loop = loops.any()
            loop.spawn { await self.poll(on: loop) }
        }
        // The cancellation handler may have run before the waiter was added.
        if Task.isCancelled { end([name: .failure(CancellationError())]) }
    }

    private func poll(on loop: EventLoop) async {
        while let waiters = currentWaiters() {
            end(await outcomes(of: waiters))
            try? await loop.sleep(for: Self.interval)
        }
    }

    private func currentWaiters() -> [UUID: Waiter]? {
        state.withLock { state in
            if state.waiters.isEmpty {
                state.isPolling = false
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

    /// - Returns: the results of the waiters that are finished.
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
            guard open.allSatisfy({ $0.error != nil }) || ContinuousClock.now > waiter.deadline else { return nil }
            return .success(
                open.map { StopFailure(workspaceID: $0.workspace, error: $0.error ?? ErrorMessage.workspaceStopFailed) }
            )
        }
    }
}
