import Synchronization

/// The tasks that run in this agent, and the counts of requests since the last successful heartbeat.
final class AgentActivity: Sendable {
    /// The state for the next heartbeat; its counts are subtracted once the platform has received it.
    struct Snapshot: Sendable {
        let activeTasks: Int
        let currentTask: String
        let requests: Int
        let errors: Int
        let sampleError: String
        let uptimeSeconds: Int

        var errorRate: Double { requests == 0 ? 0 : Double(errors) / Double(requests) }
    }

    private struct State {
        var limit: Int
        var refusesAll = false
        /// Task ends that are to be reported at once, because a message was refused for lack of capacity.
        var awaitedEnds = 0
        var nextID = 0
        var tasks: [(id: Int, summary: String)] = []
        var requests = 0
        var errors = 0
        var sampleError = ""
    }

    private let state: Mutex<State>
    private let started = ContinuousClock.now

    init(maxConcurrentTasks: Int) {
        state = Mutex(State(limit: max(1, maxConcurrentTasks)))
    }

    /// Whether it refuses every message, also when it has capacity.
    var refusesAll: Bool {
        get { state.withLock { $0.refusesAll } }
        set { state.withLock { $0.refusesAll = newValue } }
    }

    var activeTasks: Int { state.withLock { $0.tasks.count } }

    /// Takes a slot for a task.
    ///
    /// - Returns: the id for ``finish(_:error:)``; nil when all slots are taken.
    func begin(_ summary: String) -> Int? {
        state.withLock { state in
            guard !state.refusesAll, state.tasks.count < state.limit else {
                state.awaitedEnds = state.tasks.count
                return nil
            }
            state.nextID += 1
            state.tasks.append((state.nextID, String(summary.prefix(100))))
            return state.nextID
        }
    }

    /// Frees the slot and counts the request.
    ///
    /// - Parameter error: its text, when the request failed.
    /// - Returns: whether a message was refused while it ran, so that the free slot should be reported at once.
    func finish(_ id: Int, error: String?) -> Bool {
        state.withLock { state in
            state.tasks.removeAll { $0.id == id }
            state.requests += 1
            if let error {
                state.errors += 1
                state.sampleError = error
            }
            defer { state.awaitedEnds = max(0, state.awaitedEnds - 1) }
            return state.awaitedEnds > 0
        }
    }

    func snapshot() -> Snapshot {
        let uptime = Int((ContinuousClock.now - started).components.seconds)
        return state.withLock { state in
            Snapshot(
                activeTasks: state.tasks.count, currentTask: state.tasks.last?.summary ?? "",
                requests: state.requests, errors: state.errors, sampleError: state.sampleError,
                uptimeSeconds: uptime)
        }
    }

    /// Subtracts what a successful heartbeat reported. What happened while it was in flight is left for the next one.
    func reported(_ snapshot: Snapshot) {
        state.withLock { state in
            // Two concurrent heartbeats may carry the same counts.
            state.requests = max(0, state.requests - snapshot.requests)
            state.errors = min(state.requests, max(0, state.errors - snapshot.errors))
            if state.errors == 0 { state.sampleError = "" }
        }
    }
}
