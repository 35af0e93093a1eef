import Contracts
import Foundation
import Synchronization

/// One event for all viewers: encoded once in each format that is needed, on any loop.
final class StreamEvent: Sendable {
    let event: CloudEvent
    let type: EventType
    /// The position of a durable event in the log.
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

    /// The event's encoding, made on first use.
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

/// The events that a viewer requested and may see.
struct StreamFilter: Sendable {
    var workspace: UUID?
    /// Empty for all.
    var types: Set<EventType> = []
    /// The agent whose stream it is: it gets events of workspaces that it may talk to. Nil for operators.
    var agent: UUID?

    /// Whether it admits all events.
    var isOpen: Bool { workspace == nil && types.isEmpty && agent == nil }

    /// - Parameter positions: of the agent and of the event's workspace; without a position it may talk to no one.
    func admits(_ type: EventType, of workspace: UUID?, _ positions: TreePositions) -> Bool {
        if let wanted = self.workspace, wanted != workspace { return false }
        guard types.isEmpty || types.contains(type) else { return false }
        guard let agent else { return true }
        return positions.canCommunicate(agent, workspace)
    }

    func admits(_ event: CloudEvent, _ positions: TreePositions) -> Bool {
        event.kind.map { admits($0, of: event.subject, positions) } ?? false
    }
}
