import Synchronization

/// Why a body could not be read to its end.
package enum HTTPBodyError: Error, Sendable, Equatable {
    /// More bytes came than the reader allowed.
    case tooLarge(limit: Int)
    /// The peer went away, or broke the framing, before the body's end.
    case truncated
    /// Nothing came for the time allowed.
    case timedOut
    /// The reading side cancelled.
    case cancelled
    /// It is in a content coding that its reader does not take, or breaks the rules of the one it is in.
    case undecodable
}

/// Where the chunks of a streamed body come from. One reader at a time; back-pressure is the source's: it stops
/// reading from its connection while chunks wait to be taken.
package protocol HTTPByteSource: AnyObject, Sendable {
    /// The next chunk, never empty, or `nil` at the end.
    func next() async throws(HTTPBodyError) -> [UInt8]?

    /// The reader wants no more: the source may close its connection. Idempotent.
    func cancel()
}

/// The body of a message: all there already, or still arriving.
package enum HTTPBody: Sendable {
    case empty
    case bytes([UInt8])
    case stream(any HTTPByteSource)

    /// The whole body in memory.
    ///
    /// - Parameter limit: bytes, inclusive.
    /// - Throws: `HTTPBodyError.tooLarge` when it is longer (the rest is not read), or what the source threw.
    package func collect(upTo limit: Int) async throws(HTTPBodyError) -> [UInt8] {
        switch self {
        case .empty:
            return []
        case .bytes(let bytes):
            guard bytes.count <= limit else { throw .tooLarge(limit: limit) }
            return bytes
        case .stream(let source):
            var collected: [UInt8] = []
            while let chunk = try await source.next() {
                guard collected.count + chunk.count <= limit else {
                    source.cancel()
                    throw .tooLarge(limit: limit)
                }
                collected.append(contentsOf: chunk)
            }
            return collected
        }
    }
}

/// Bytes that are there already, as a source.
package final class BytesSource: HTTPByteSource {
    private let bytes: Mutex<[UInt8]>

    package init(_ bytes: [UInt8]) { self.bytes = Mutex(bytes) }

    package func next() async throws(HTTPBodyError) -> [UInt8]? {
        let taken = bytes.withLock { bytes in
            defer { bytes = [] }
            return bytes
        }
        return taken.isEmpty ? nil : taken
    }

    package func cancel() { bytes.withLock { $0 = [] } }
}

extension HTTPBody {
    /// The body as a source, whether or not it is there already.
    package var source: any HTTPByteSource {
        switch self {
        case .empty: BytesSource([])
        case .bytes(let bytes): BytesSource(bytes)
        case .stream(let source): source
        }
    }
}

/// Stands for a body in a content coding that is not supported: reading it throws `HTTPBodyError.undecodable`.
package final class UndecodableBody: HTTPByteSource {
    package init() {}

    package func next() async throws(HTTPBodyError) -> [UInt8]? { throw .undecodable }

    package func cancel() {}
}
