import Contracts
import EventLoop
import Foundation
import Observability
import Synchronization

/// Passes events on to the viewers of this process: once to each loop, which has viewers of its own.
///
/// Durable events come from the log, in the log's order, so that a viewer can resume from any of them without a gap or
/// a double; the others come straight from the broker.
final class EventHub: Sendable {
    private struct State {
        /// Up to where the log has been handed over to the loops. They may be busy with it still; a viewer that comes
        /// meanwhile has seen that much, and leaves it out.
        var position: LogPosition?
        /// Agents that look on, by how many streams.
        var agents: [UUID: Int] = [:]
    }

    private let state = Mutex(State())
    private let shards: [ViewerShard]
    private let memory: StreamMemory
    private let viewerCount: Gauge

    /// - Parameters:
    ///   - loops: those that connections are on.
    ///   - patience: how long a client may take nothing of what is on its way, where memory is short. In milliseconds.
    init(loops: [EventLoop], memory: StreamMemory, metrics: MetricsRegistry, patience: UInt64 = 3_000) {
        viewerCount = metrics.gauge("switchyard_stream_viewers", "Open event streams.")
        let sent = metrics.counter("switchyard_stream_events_total", "Events handed to viewers.")
        let dropped = metrics.counter("switchyard_stream_dropped_total", "Events that viewers were too slow for.")
        let cut = metrics.counter(
            "switchyard_stream_cut_total", "Streams that were ended because their clients took nothing.")
        shards = loops.map {
            ViewerShard(loop: $0, memory: memory, patience: patience, sent: sent, dropped: dropped, cut: cut)
        }
        self.memory = memory
    }

    /// Up to where the log has been passed on; `nil` before the first read.
    var position: LogPosition? { state.withLock { $0.position } }

    /// Agents that look on.
    var agents: Set<UUID> { state.withLock { Set($0.agents.keys) } }

    /// Where it goes on from, whatever it has passed on before: it is the log's end.
    func begin(at position: LogPosition) {
        state.withLock { $0.position = position }
    }

    /// Adds a viewer that has seen everything up to `position`. On its loop.
    ///
    /// - Returns: false when the hub is further already: the viewer has to catch up first.
    func attach(_ viewer: Viewer, at position: LogPosition) -> Bool {
        attach(viewer) { position >= $0 ? position : nil }
    }

    /// Adds a viewer that wants what comes from now on. On its loop.
    ///
    /// - Returns: false when the hub has not read its log yet.
    func attachNow(_ viewer: Viewer) -> Bool {
        attach(viewer) { $0 }
    }

    /// - Parameter start: what the viewer has seen, given where the hub is; nil when it has to catch up.
    private func attach(_ viewer: Viewer, from start: (LogPosition) -> LogPosition?) -> Bool {
        guard !viewer.isOver, viewer.place == nil, let shard = shard(of: viewer) else { return false }
        let seen: LogPosition? = state.withLock { state in
            guard let current = state.position, let seen = start(current) else { return nil }
            if let agent = viewer.filter.agent { state.agents[agent, default: 0] += 1 }
            return seen
        }
        guard let seen else { return false }
        viewer.start(after: seen)
        // What is handed over from here on comes to the loop later than this.
        shard.add(viewer)
        viewerCount.increment()
        return true
    }

    /// On its loop.
    func detach(_ viewer: Viewer) {
        guard viewer.place != nil, let shard = shard(of: viewer) else { return }
        shard.remove(viewer)
        viewerCount.decrement()
        guard let agent = viewer.filter.agent else { return }
        state.withLock { state in
            let left = (state.agents[agent] ?? 1) - 1
            state.agents[agent] = left == 0 ? nil : left
        }
    }

    private func shard(of viewer: Viewer) -> ViewerShard? { shards.first { $0.loop === viewer.loop } }

    /// Passes on what was read from the log, and waits until every loop has.
    ///
    /// - Parameters:
    ///   - positions: of those whom it concerns, and of the agents.
    ///   - agents: whose positions these are.
    /// - Returns: false when an agent has come that is not among them: then nothing has been passed on.
    @discardableResult
    func pass(
        _ entries: [LogEntry], upTo position: LogPosition, _ positions: TreePositions = .none,
        knowing agents: Set<UUID> = []
    ) async -> Bool {
        // Under one lock, so that a viewer is attached before all of these or after all of them.
        let isPassed = state.withLock { state in
            guard state.agents.keys.allSatisfy(agents.contains) else { return false }
            state.position = position
            return true
        }
        guard isPassed else { return false }
        await handOver(
            entries.compactMap { StreamEvent($0.event, at: $0.position, in: memory) }, to: .everyone, positions)
        return true
    }

    /// Passes on events that have no row: to operators at once, to agents when it is known who may see them. Waits until
    /// every loop has.
    ///
    /// - Parameter positions: of the agents given, and of those whom the events concern; nil where that cannot be found
    ///   out: then no agent sees them.
    func pass(
        transient events: [CloudEvent], _ positions: (_ agents: Set<UUID>) async -> TreePositions? = { _ in nil }
    ) async {
        let events = events.compactMap { StreamEvent($0, in: memory) }
        await handOver(events, to: .operators, .none)
        let agents = agents
        guard !agents.isEmpty, let found = await positions(agents) else { return }
        await handOver(events, to: .agents, found)
    }

    /// Who hands over waits, so that loops that are behind have no more before them than was read at once.
    private func handOver(
        _ events: [StreamEvent], to audience: Handover.Audience, _ positions: TreePositions
    ) async {
        guard !events.isEmpty, !shards.isEmpty else { return }
        await withUnsafeContinuation { continuation in
            let handover = Handover(events, for: audience, positions, loops: shards.count) { continuation.resume() }
            for shard in shards { shard.take(handover) }
        }
    }
}
