import HTTPServer
import Synchronization

/// The memory of all events that this process holds for its viewers; an event is counted once, however many it is for.
final class StreamMemory: Sendable {
    private let limit: Int
    private let held = Atomic(0)

    init(limit: Int) {
        self.limit = limit
    }

    var bytes: Int { held.load(ordering: .relaxed) }
    /// Slow viewers have to give up what waits for them.
    var isFull: Bool { bytes > limit }
    /// Even what is being sent, which nobody can give up, is too much: what comes is given up.
    var isOverfull: Bool { bytes > 2 * limit }

    fileprivate func add(_ count: Int) { held.wrappingAdd(count, ordering: .relaxed) }
    fileprivate func subtract(_ count: Int) { held.wrappingSubtract(count, ordering: .relaxed) }
}

/// The bytes of a server-sent event, shared by all viewers.
final class EventBytes: Sendable {
    /// Longer ones are sent in pieces of this size, so that each viewer's connection copies no more than one.
    static let piece = 64 * 1024
    /// What an event takes beside its bytes, about.
    private static let overhead = 200

    private enum Content {
        case short(PreparedChunk)
        case long([UInt8])
    }

    let count: Int
    private let content: Content
    private let memory: StreamMemory

    init(_ bytes: [UInt8], in memory: StreamMemory) {
        self.memory = memory
        count = bytes.count
        content = bytes.count <= Self.piece ? .short(PreparedChunk(bytes)) : .long(bytes)
        memory.add(count + Self.overhead)
    }

    deinit {
        memory.subtract(count + Self.overhead)
    }

    var bytes: ArraySlice<UInt8> {
        switch content {
        case .short(let chunk): chunk.bytes
        case .long(let bytes): bytes[...]
        }
    }

    func write(to writer: ResponseWriter) async throws {
        switch content {
        case .short(let chunk): try await writer.write(chunk)
        case .long(let bytes):
            for start in stride(from: 0, to: bytes.count, by: Self.piece) {
                try await writer.write(Array(bytes[start..<min(start + Self.piece, bytes.count)]))
            }
        }
    }
}
