import Contracts
import Synchronization

/// Events on their way from the hub to the viewers of every loop.
final class Handover: Sendable {
    enum Audience: Sendable {
        case everyone, operators, agents
    }

    let events: [StreamEvent]
    let audience: Audience
    /// Of those whom the events concern, and of the agents.
    let positions: TreePositions
    /// About what the events take in memory.
    let size: Int
    private let loopsLeft: Atomic<Int>
    private let finish: @Sendable () -> Void

    /// - Parameters:
    ///   - loops: how many loops it goes to.
    ///   - finish: called once, when all of them are done with it.
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

    /// A loop is done with it.
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
