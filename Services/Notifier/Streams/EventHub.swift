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

    /// Whose positions in the tree decide who sees events of these workspaces; empty where no agent looks on.
    func concerned(by workspaces: [UUID?]) -> Set<UUID> {
        let agents = state.withLock { $0.agents.isEmpty ? nil : Set($0.agents.keys) }
        return agents?.union(workspaces.compactMap { $0 }) ?? []
    }

    /// Passes on what was read from the log.
    ///
    /// - Parameter positions: of those whom it concerns.
    func pass(_ entries: [LogEntry], upTo position: LogPosition, _ positions: TreePositions = .none) {
        // Under one lock, so that a viewer is attached before all of these or after all of them.
        let viewers = state.withLock { state in
            state.position = position
            return Array(state.viewers.values)
        }
        for entry in entries { deliver(entry.event, at: entry.position, to: viewers, positions) }
    }

    /// Passes on events that have no row.
    func pass(transient events: [CloudEvent], _ positions: TreePositions = .none) {
        let viewers = state.withLock { Array($0.viewers.values) }
        for event in events { deliver(event, at: nil, to: viewers, positions) }
    }

    private func deliver(
        _ event: CloudEvent, at position: LogPosition?, to viewers: [Viewer], _ positions: TreePositions
    ) {
        guard let type = event.kind, type.clientName != nil else { return }
        var frames = StreamFrames(event, at: position, in: memory)
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
