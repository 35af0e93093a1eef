import Contracts
import EventLoop
import Foundation
import Lifecycle

/// Waits for jobs on behalf of a client that wants to know how they ended.
///
/// The jobs are durable and go on without it: any instance does them, whether the client waits or hangs up.
struct Settlement: Sendable {
    /// Engines give a container ten seconds to end; then it is killed.
    private static let patience: Duration = .seconds(45)
    private static let interval: Duration = .milliseconds(50)

    let jobs: JobStore
    let loops: EventLoopGroup

    /// Returns when each job is done or has failed once, or when patience ends.
    ///
    /// - Returns: what is not done.
    func failures(of ids: [UUID]) async throws -> [StopFailure] {
        guard !ids.isEmpty else { return [] }
        let end = ContinuousClock.now + Self.patience
        while true {
            let open = try await jobs.progress(of: ids).filter { !$0.isDone }
            let isSettled = open.allSatisfy { $0.error != nil }
            if isSettled || ContinuousClock.now > end {
                return open.map {
                    StopFailure(workspaceID: $0.workspace, error: $0.error ?? Sentence.workspaceStopFailed)
                }
            }
            try await loops.any().sleep(for: Self.interval)
        }
    }
}
