/// One pass over the viewers of a loop, with a batch of events, or without events, for timers.
///
/// Viewers with the same selection of events, which mostly is all of them, share the encoded bytes of the batch.
/// Confined to the loop.
final class ViewerPass {
    let batches: [DispatchBatch]
    /// A snapshot of the viewers. Those attached later got its events from the log, or want only later ones.
    let viewers: [Viewer]
    var next = 0
    /// Events that were sent or buffered, and events that were dropped, summed over viewers.
    var sent = 0
    var dropped = 0

    private let memory: StreamMemory
    private let events: [StreamEvent]
    /// The first position of its durable events.
    private let start: LogPosition?
    private var cache = (sse: SelectionCache(), webSocket: SelectionCache())
    private var indices: [Int] = []

    /// The selections of viewers with one format.
    private struct SelectionCache {
        /// All events: operators without a filter.
        var all: Selection?
        /// The last other selection.
        var last: (indices: [Int], selection: Selection)?
    }

    init(_ batches: [DispatchBatch], _ viewers: [Viewer], in memory: StreamMemory) {
        self.batches = batches
        self.viewers = viewers
        self.memory = memory
        events = batches.flatMap(\.events)
        start = events.lazy.compactMap(\.position).min()
    }

    /// The events that a viewer gets.
    func selection(for viewer: Viewer) -> Selection {
        switch viewer.format {
        case .serverSentEvents: selection(for: viewer, &cache.sse)
        case .webSocket: selection(for: viewer, &cache.webSocket)
        }
    }

    private func selection(for viewer: Viewer, _ cache: inout SelectionCache) -> Selection {
        let wantsAll = viewer.filter.isOpen && (start.map { viewer.seen < $0 } ?? true)
        if wantsAll, let all = cache.all { return all }
        findIndices(for: viewer)
        if !wantsAll, let last = cache.last, last.indices == indices { return last.selection }
        let made = Selection(indices.map { events[$0] }, as: viewer.format, in: memory)
        if wantsAll { cache.all = made } else { cache.last = (indices, made) }
        return made
    }

    private func findIndices(for viewer: Viewer) {
        indices.removeAll(keepingCapacity: true)
        var offset = 0
        for batch in batches {
            if batch.concerns(viewer.filter) {
                for (index, event) in batch.events.enumerated() where viewer.wants(event, batch.positions) {
                    indices.append(offset + index)
                }
            }
            offset += batch.events.count
        }
    }
}

/// The events of a pass that some viewers of one format get.
final class Selection {
    /// Events that are written at once.
    struct Piece {
        let bytes: EventBytes
        /// The number of the selection's events written up to and including it.
        let end: Int
    }

    let events: [StreamEvent]
    private let format: StreamFormat
    private let memory: StreamMemory
    /// Short events joined, a long one by itself. Encoded on first use.
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
