import Contracts
import Foundation

/// One event as viewers of one format get it: encoded once, however many there are.
struct StreamFrame: Sendable {
    /// Where a durable event stands in the log.
    let position: LogPosition?
    let event: EventBytes

    /// - Returns: `nil` for events that are not shown to clients.
    init?(_ event: CloudEvent, at position: LogPosition? = nil, as format: StreamFormat, in memory: StreamMemory) {
        guard let text = format.text(of: event) else { return nil }
        self.position = position
        self.event = EventBytes(text, as: format, in: memory)
    }
}

/// An event in each format that somebody wants it in.
struct StreamFrames: Sendable {
    let event: CloudEvent
    private let position: LogPosition?
    private let memory: StreamMemory
    private var serverSentEvent: StreamFrame?
    private var webSocketMessage: StreamFrame?

    init(_ event: CloudEvent, at position: LogPosition?, in memory: StreamMemory) {
        self.event = event
        self.position = position
        self.memory = memory
    }

    /// Made for the first who wants it; nil for events that are not shown to clients.
    mutating func frame(as format: StreamFormat) -> StreamFrame? {
        let path: WritableKeyPath<StreamFrames, StreamFrame?> =
            format == .webSocket ? \.webSocketMessage : \.serverSentEvent
        if let made = self[keyPath: path] { return made }
        self[keyPath: path] = StreamFrame(event, at: position, as: format, in: memory)
        return self[keyPath: path]
    }
}

/// What a viewer asked to see, and may.
struct StreamFilter: Sendable {
    var workspace: UUID?
    /// Empty for all.
    var types: Set<EventType> = []
    /// The agent that looks on: it sees what happens to those that it may talk to. Nil for operators.
    var agent: UUID?

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
