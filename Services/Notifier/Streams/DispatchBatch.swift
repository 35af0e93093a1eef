import Contracts
import Synchronization

/// Events that the hub has dispatched to the viewers of every loop.
final class DispatchBatch: Sendable {
    enum Audience: Sendable {
        case everyone, operators, agents
    }

    let events: [StreamEvent]
    let audience: Audience
    /// The positions of the events' workspaces, and of the agents.
    let positions: TreePositions
    /// The approximate size of the events in memory.
    let size: Int
    private let loopsLeft: Atomic<Int>
    private let finish: @Sendable () -> Void

    /// - Parameters:
    ///   - loops: the number of loops that process it.
    ///   - finish: called once, when all loops have processed it.
    init(
        _ events: [StreamEvent], for audience: Audience, _ positions: TreePositions, loops: Int,
        finish: @escaping @Sendable () -> Void
    ) {
        self.events = events
        self.audience = audience
        self.positions = positions
        size = events.reduce(0) { $0 + $1.event.data.bytes.count }
        loopsLeft = Atomic(loops)
        self.finish = finish
    }

    /// To be called by each loop that has processed it.
    func finished() {
        if loopsLeft.wrappingSubtract(1, ordering: .acquiringAndReleasing).newValue == 0 { finish() }
    }

    func concerns(_ filter: StreamFilter) -> Bool {
        switch audience {
        case .everyone: true
        case .operators: filter.agent == nil
        case .agents: filter.agent != nil
        }
    }
}
