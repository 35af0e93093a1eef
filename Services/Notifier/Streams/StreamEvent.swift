import Contracts
import Foundation
import Synchronization

/// One event for all viewers: encoded once in each format that somebody wants it in, on whatever loop that is.
final class StreamEvent: Sendable {
    let event: CloudEvent
    let type: EventType
    /// Where a durable event stands in the log.
    let position: LogPosition?
    private let memory: StreamMemory
    private let encoded = Mutex<[StreamFormat: EventBytes]>([:])

    /// - Returns: `nil` for events that are not shown to clients.
    init?(_ event: CloudEvent, at position: LogPosition? = nil, in memory: StreamMemory) {
        guard let type = event.kind, type.clientName != nil else { return nil }
        self.event = event
        self.type = type
        self.position = position
        self.memory = memory
    }

    /// Made for the first who wants it.
    func bytes(as format: StreamFormat) -> EventBytes {
        encoded.withLock { encoded in
            if let made = encoded[format] { return made }
            // Not nil: the event has a name that clients know.
            let made = EventBytes(format.text(of: event) ?? [], as: format, in: memory)
            encoded[format] = made
            return made
        }
    }
}

/// What a viewer asked to see, and may.
struct StreamFilter: Sendable {
    var workspace: UUID?
    /// Empty for all.
    var types: Set<EventType> = []
    /// The agent that looks on: it sees what happens to those that it may talk to. Nil for operators.
    var agent: UUID?

    /// Whether it keeps nothing back.
    var isOpen: Bool { workspace == nil && types.isEmpty && agent == nil }

    /// - Parameter positions: of the agent and of the event's workspace; one that is missing is nobody's neighbour.
    func admits(_ type: EventType, of workspace: UUID?, _ positions: TreePositions) -> Bool {
        if let wanted = self.workspace, wanted != workspace { return false }
        guard types.isEmpty || types.contains(type) else { return false }
        guard let agent else { return true }
        return positions.mayTalk(agent, workspace)
    }

    func admits(_ event: CloudEvent, _ positions: TreePositions) -> Bool {
        event.kind.map { admits($0, of: event.subject, positions) } ?? false
    }
}
