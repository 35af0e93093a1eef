import Synchronization
import UVHTTPServer
import WebSocket

/// The memory in use for viewers: events, each counted once for any number of viewers, and copies of them in flight to
/// clients.
final class StreamMemory: Sendable {
    private let limit: Int
    private let events = Atomic(0)
    private let copies = Atomic(0)

    init(limit: Int) {
        self.limit = limit
    }

    var bytes: Int { events.load(ordering: .relaxed) + copies.load(ordering: .relaxed) }
    /// Backlogs of slow viewers have to be dropped. Copies do not count: they cannot be dropped.
    var isFull: Bool { events.load(ordering: .relaxed) > limit }
    /// With the copies in flight, the hard limit is exceeded: new events are dropped, and stalled streams closed.
    var isOverfull: Bool { bytes > 2 * limit }

    fileprivate func changeEvents(by count: Int) { events.wrappingAdd(count, ordering: .relaxed) }
    func changeCopies(by count: Int) { copies.wrappingAdd(count, ordering: .relaxed) }
}

/// An event's bytes in the format of some viewers, ready to be written and shared by all of them.
final class EventBytes: Sendable {
    /// Longer ones are sent in chunks of this size, so that each viewer's connection copies no more than one.
    static let piece = 64 * 1024
    /// Approximate memory of an event beside its bytes.
    private static let overhead = 200

    enum Content: Sendable {
        /// Chunks of an HTTP body.
        case chunks([FramedChunk])
        /// Whole WebSocket frames.
        case frames([[UInt8]])
    }

    let count: Int
    let content: Content
    private let memory: StreamMemory

    init(_ text: [UInt8], as format: StreamFormat, in memory: StreamMemory) {
        self.memory = memory
        count = text.count
        content =
            switch format {
            case .webSocket: .frames(WebSocketFrame.message(text, upTo: Self.piece))
            case .serverSentEvents:
                .chunks(
                    stride(from: 0, to: text.count, by: Self.piece).map { start in
                        FramedChunk(Array(text[start..<min(start + Self.piece, text.count)]))
                    })
            }
        memory.changeEvents(by: count + Self.overhead)
    }

    /// Several short ones, joined to be written at once.
    private init(joining events: some Collection<EventBytes>, as format: StreamFormat, in memory: StreamMemory) {
        self.memory = memory
        let bytes = events.flatMap(\.bytes)
        count = bytes.count
        content = format == .webSocket ? .frames([bytes]) : .chunks([FramedChunk(bytes)])
        memory.changeEvents(by: count + Self.overhead)
    }

    /// - Parameter events: not empty; a single one is returned as it is.
    static func joined(
        _ events: some Collection<EventBytes>, as format: StreamFormat, in memory: StreamMemory
    ) -> EventBytes {
        if events.count == 1, let event = events.first { return event }
        return EventBytes(joining: events, as: format, in: memory)
    }

    /// The number of chunks.
    var pieces: Int {
        switch content {
        case .chunks(let chunks): chunks.count
        case .frames(let frames): frames.count
        }
    }

    deinit {
        memory.changeEvents(by: -(count + Self.overhead))
    }

    /// All of its bytes, to be joined with others.
    var bytes: [UInt8] {
        switch content {
        case .chunks(let chunks): chunks.count == 1 ? Array(chunks[0].bytes) : chunks.flatMap(\.bytes)
        case .frames(let frames): frames.count == 1 ? frames[0] : Array(frames.joined())
        }
    }
}
