/// One pass over the viewers of a loop, with the events that have come together for it, or with none, for what is due
/// by time.
///
/// Viewers that see the same of the events, and mostly that is all, share the bytes of all of them put together.
/// Confined to the loop.
final class Round {
    let handovers: [Handover]
    /// Who was there when it began. Those that come later have had its events from the log, or want none from before.
    let viewers: [Viewer]
    var next = 0
    /// Events that were sent, or wait for their clients, and those that were lost, by viewer.
    var sent = 0
    var dropped = 0

    private let memory: StreamMemory
    private let events: [StreamEvent]
    /// The first one that stands in the log.
    private let start: LogPosition?
    private var known = (sse: Known(), webSocket: Known())
    private var places: [Int] = []

    /// What viewers of one format see.
    private struct Known {
        /// Operators that want everything.
        var all: Selection?
        /// The last one that wanted, or was to see, something else.
        var last: (places: [Int], selection: Selection)?
    }

    init(_ handovers: [Handover], _ viewers: [Viewer], in memory: StreamMemory) {
        self.handovers = handovers
        self.viewers = viewers
        self.memory = memory
        events = handovers.flatMap(\.events)
        start = events.lazy.compactMap(\.position).min()
    }

    /// What a viewer gets to see.
    func selection(for viewer: Viewer) -> Selection {
        switch viewer.format {
        case .serverSentEvents: selection(for: viewer, &known.sse)
        case .webSocket: selection(for: viewer, &known.webSocket)
        }
    }

    private func selection(for viewer: Viewer, _ known: inout Known) -> Selection {
        let wantsAll = viewer.filter.isOpen && (start.map { viewer.seen < $0 } ?? true)
        if wantsAll, let all = known.all { return all }
        findPlaces(for: viewer)
        if !wantsAll, let last = known.last, last.places == places { return last.selection }
        let made = Selection(places.map { events[$0] }, as: viewer.format, in: memory)
        if wantsAll { known.all = made } else { known.last = (places, made) }
        return made
    }

    private func findPlaces(for viewer: Viewer) {
        places.removeAll(keepingCapacity: true)
        var place = 0
        for handover in handovers {
            if handover.concerns(viewer.filter) {
                for (index, event) in handover.events.enumerated() where viewer.wants(event, handover.positions) {
                    places.append(place + index)
                }
            }
            place += handover.events.count
        }
    }
}

/// What some viewers of one format see of a round's events.
final class Selection {
    /// Events that are written in one go.
    struct Piece {
        let bytes: EventBytes
        /// How many of the selection's events have been written with it.
        let end: Int
    }

    let events: [StreamEvent]
    private let format: StreamFormat
    private let memory: StreamMemory
    /// Short events together, a long one by itself. Made when somebody is ready for them.
    private(set) lazy var pieces = makePieces()

    init(_ events: [StreamEvent], as format: StreamFormat, in memory: StreamMemory) {
        self.events = events
        self.format = format
        self.memory = memory
    }

    private func makePieces() -> [Piece] {
        var pieces: [Piece] = []
        var (together, count): ([EventBytes], Int) = ([], 0)
        func close(at end: Int) {
            guard !together.isEmpty else { return }
            pieces.append(Piece(bytes: .joined(together, as: format, in: memory), end: end))
            (together, count) = ([], 0)
        }
        for (index, event) in events.enumerated() {
            let bytes = event.bytes(as: format)
            if count + bytes.count > EventBytes.piece { close(at: index) }
            together.append(bytes)
            count += bytes.count
        }
        close(at: events.count)
        return pieces
    }
}
