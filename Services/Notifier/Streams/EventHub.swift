import Contracts
import Foundation
import Observability
import Synchronization

/// Passes events on to the viewers of this process.
///
/// Durable events come from the log, in the log's order, so that a viewer can resume from any of them without a gap or
/// a double; the others come straight from the broker.
final class EventHub: Sendable {
    private struct State {
        var viewers: [ObjectIdentifier: Viewer] = [:]
        var position: LogPosition?
        /// Agents that look on, by how many streams.
        var agents: [UUID: Int] = [:]

        mutating func add(_ viewer: Viewer) {
            guard viewers.updateValue(viewer, forKey: ObjectIdentifier(viewer)) == nil else { return }
            if let agent = viewer.filter.agent { agents[agent, default: 0] += 1 }
        }

        mutating func remove(_ viewer: Viewer) -> Bool {
            guard viewers.removeValue(forKey: ObjectIdentifier(viewer)) != nil else { return false }
            if let agent = viewer.filter.agent {
                let left = (agents[agent] ?? 1) - 1
                agents[agent] = left == 0 ? nil : left
            }
            return true
        }
    }

    private let state = Mutex(State())
    private let memory: StreamMemory
    private let viewerCount: Gauge
    private let sent: Counter
    private let dropped: Counter

    init(memory: StreamMemory, metrics: MetricsRegistry) {
        self.memory = memory
        viewerCount = metrics.gauge("switchyard_stream_viewers", "Open event streams.")
        sent = metrics.counter("switchyard_stream_events_total", "Events handed to viewers.")
        dropped = metrics.counter("switchyard_stream_dropped_total", "Events that viewers were too slow for.")
    }

    /// Up to where the log has been passed on; `nil` before the first read.
    var position: LogPosition? { state.withLock { $0.position } }

    /// Adds a viewer that has seen everything up to `position`.
    ///
    /// - Returns: false when the hub is further already: the viewer has to catch up first.
    func attach(_ viewer: Viewer, at position: LogPosition) -> Bool {
        let isAttached = state.withLock { state in
            guard let current = state.position, position >= current else { return false }
            viewer.start(after: position)
            state.add(viewer)
            return true
        }
        if isAttached { viewerCount.increment() }
        return isAttached
    }

    /// Adds a viewer that wants what comes from now on.
    ///
    /// - Returns: where it begins; `nil` when the hub has not read its log yet.
    func attachNow(_ viewer: Viewer) -> Bool {
        let isAttached = state.withLock { state in
            guard state.position != nil else { return false }
            state.add(viewer)
            return true
        }
        if isAttached { viewerCount.increment() }
        return isAttached
    }

    func detach(_ viewer: Viewer) {
        let wasAttached = state.withLock { $0.remove(viewer) }
        if wasAttached { viewerCount.decrement() }
    }

    /// Agents that look on.
    var agents: Set<UUID> { state.withLock { Set($0.agents.keys) } }

    /// Passes on what was read from the log.
    ///
    /// - Parameters:
    ///   - positions: of those whom it concerns, and of the agents.
    ///   - agents: whose positions these are.
    /// - Returns: false when an agent has come that is not among them: then nothing has been passed on.
    @discardableResult
    func pass(
        _ entries: [LogEntry], upTo position: LogPosition, _ positions: TreePositions = .none,
        knowing agents: Set<UUID> = []
    ) -> Bool {
        // Under one lock, so that a viewer is attached before all of these or after all of them.
        let viewers: [Viewer]? = state.withLock { state in
            guard state.agents.keys.allSatisfy(agents.contains) else { return nil }
            state.position = position
            return Array(state.viewers.values)
        }
        guard let viewers else { return false }
        for entry in entries {
            var frames = StreamFrames(entry.event, at: entry.position, in: memory)
            deliver(&frames, to: viewers, positions)
        }
        return true
    }

    /// Passes on events that have no row: to operators at once, to agents when it is known who may see them.
    ///
    /// - Parameter positions: of the agents given, and of those whom the events concern; nil where that cannot be found
    ///   out: then no agent sees them.
    func pass(
        transient events: [CloudEvent], _ positions: (_ agents: Set<UUID>) async -> TreePositions? = { _ in nil }
    ) async {
        var frames = events.map { StreamFrames($0, at: nil, in: memory) }
        let operators = state.withLock { $0.viewers.values.filter { $0.filter.agent == nil } }
        for index in frames.indices { deliver(&frames[index], to: operators, .none) }
        let agents = agents
        guard !agents.isEmpty, let found = await positions(agents) else { return }
        let lookingOn = state.withLock { $0.viewers.values.filter { $0.filter.agent != nil } }
        for index in frames.indices { deliver(&frames[index], to: lookingOn, found) }
    }

    private func deliver(_ frames: inout StreamFrames, to viewers: [Viewer], _ positions: TreePositions) {
        let event = frames.event
        guard let type = event.kind, type.clientName != nil else { return }
        for viewer in viewers where viewer.filter.admits(type, of: event.subject, positions) {
            guard let frame = frames.frame(as: viewer.format) else { return }
            guard let isTaken = viewer.offer(frame, mayWait: !memory.isOverfull) else { continue }
            if isTaken { sent.increment() } else { dropped.increment() }
        }
        if memory.isFull { dropBacklogs(of: viewers) }
    }

    /// Takes from the slowest first, until the rest may stay.
    private func dropBacklogs(of viewers: [Viewer]) {
        let slow = viewers.map { (viewer: $0, backlog: $0.backlog) }.filter { $0.backlog > 0 }
        for (viewer, _) in slow.sorted(by: { $0.backlog > $1.backlog }) {
            guard memory.isFull else { return }
            dropped.increment(by: viewer.dropBacklog())
        }
    }
}
