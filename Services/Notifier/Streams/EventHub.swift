import Contracts
import Foundation
import Observability
import Synchronization
import UVLoop

/// Distributes events to the viewers of this process: once to each loop, which has its own viewers.
///
/// Durable events come from the log, in the log's order, so that a viewer can resume from any of them without gaps or
/// duplicates; transient ones come directly from the broker.
final class EventHub: Sendable {
    private struct State {
        /// The position up to which the log has been sent to the loops, which may not have processed it yet; a viewer
        /// that attaches meanwhile skips events up to here.
        var position: LogPosition?
        /// Numbers of open streams by agent.
        var agents: [UUID: Int] = [:]
    }

    private let state = Mutex(State())
    private let shards: [LoopBound<ViewerShard>]
    private let memory: StreamMemory
    private let viewerCount: Gauge

    /// - Parameters:
    ///   - loops: the loops of connections.
    ///   - stallTimeout: how long a client may read nothing of what is in flight when memory is short. In milliseconds.
    init(loops: [EventLoop], memory: StreamMemory, metrics: MetricsRegistry, stallTimeout: UInt64 = 3_000) {
        viewerCount = metrics.gauge("switchyard_stream_viewers", "Open event streams.")
        let sent = metrics.counter("switchyard_stream_events_total", "Events delivered to viewers.")
        let dropped = metrics.counter(
            "switchyard_stream_dropped_total", "Events dropped because viewers were too slow.")
        let cut = metrics.counter(
            "switchyard_stream_cut_total", "Streams closed because their clients stopped reading.")
        shards = loops.map { loop in
            let shard = ViewerShard(
                loop: loop, memory: memory, stallTimeout: stallTimeout, sent: sent, dropped: dropped, cut: cut)
            return LoopBound(handing: shard, to: loop)
        }
        self.memory = memory
    }

    /// The position up to which the log has been published; `nil` before the first read.
    var position: LogPosition? { state.withLock { $0.position } }

    /// Agents with open streams.
    var agents: Set<UUID> { state.withLock { Set($0.agents.keys) } }

    /// Sets the position, whatever it was before: the log's end.
    func begin(at position: LogPosition) {
        state.withLock { $0.position = position }
    }

    /// Adds a viewer that has seen everything up to `position`. On its loop.
    ///
    /// - Returns: false when the hub is ahead of it: the viewer has to catch up first.
    func attach(_ viewer: Viewer, at position: LogPosition) -> Bool {
        attach(viewer) { position >= $0 ? position : nil }
    }

    /// Adds a viewer for events from now on. On its loop.
    ///
    /// - Returns: false when the hub has not read its log yet.
    func attachNow(_ viewer: Viewer) -> Bool {
        attach(viewer) { $0 }
    }

    /// - Parameter start: maps the hub's position to the viewer's; nil when it has to catch up.
    private func attach(_ viewer: Viewer, from start: (LogPosition) -> LogPosition?) -> Bool {
        guard !viewer.isEnding, viewer.shardIndex == nil, let shard = shard(of: viewer) else { return false }
        let seen: LogPosition? = state.withLock { state in
            guard let current = state.position, let seen = start(current) else { return nil }
            if let agent = viewer.filter.agent { state.agents[agent, default: 0] += 1 }
            return seen
        }
        guard let seen else { return false }
        viewer.start(after: seen)
        // Events that are published from here on reach the loop later than this.
        shard.add(viewer)
        viewerCount.increment()
        return true
    }

    /// On its loop.
    func detach(_ viewer: Viewer) {
        guard viewer.shardIndex != nil, let shard = shard(of: viewer) else { return }
        shard.remove(viewer)
        viewerCount.decrement()
        guard let agent = viewer.filter.agent else { return }
        state.withLock { state in
            let left = (state.agents[agent] ?? 1) - 1
            state.agents[agent] = left == 0 ? nil : left
        }
    }

    private func shard(of viewer: Viewer) -> ViewerShard? { shards.first { $0.loop === viewer.loop }?.value }

    /// Publishes events of the log, and waits until every loop has processed them.
    ///
    /// - Parameters:
    ///   - positions: of the events' workspaces, and of the agents.
    ///   - agents: the agents that the positions include.
    /// - Returns: false when an agent has attached that is not among them: then nothing has been published.
    @discardableResult
    func publish(
        _ entries: [LogEntry], upTo position: LogPosition, _ positions: TreePositions = .none,
        covering agents: Set<UUID> = []
    ) async -> Bool {
        // Under one lock, so that a viewer is attached before all of these or after all of them.
        let isAccepted = state.withLock { state in
            guard state.agents.keys.allSatisfy(agents.contains) else { return false }
            state.position = position
            return true
        }
        guard isAccepted else { return false }
        await dispatch(
            entries.compactMap { StreamEvent($0.event, at: $0.position, in: memory) }, to: .everyone, positions)
        return true
    }

    /// Publishes transient events: to operators at once, to agents once their positions are known. Waits until every
    /// loop has processed them.
    ///
    /// - Parameter positions: of the given agents and of the events' workspaces; nil when they cannot be loaded: then
    ///   no agent gets the events.
    func publish(
        transient events: [CloudEvent], _ positions: (_ agents: Set<UUID>) async -> TreePositions? = { _ in nil }
    ) async {
        let events = events.compactMap { StreamEvent($0, in: memory) }
        await dispatch(events, to: .operators, .none)
        let agents = agents
        guard !agents.isEmpty, let agentPositions = await positions(agents) else { return }
        await dispatch(events, to: .agents, agentPositions)
    }

    /// The sender waits: back-pressure, so that a slow loop has at most one page of events queued.
    private func dispatch(
        _ events: [StreamEvent], to audience: DispatchBatch.Audience, _ positions: TreePositions
    ) async {
        guard !events.isEmpty, !shards.isEmpty else { return }
        await withUnsafeContinuation { continuation in
            let batch = DispatchBatch(events, for: audience, positions, loops: shards.count) { continuation.resume() }
            for shard in shards { shard.loop.execute { shard.value.take(batch) } }
        }
    }
}
