import Foundation
import HTTPCore
import Synchronization
import UVLoop

/// Reads a range of an open file in chunks, on the loop's thread pool.
final class DescriptorSource: HTTPByteSource {
    private static let chunkBytes = 128 * 1024

    private let descriptor: Int32
    /// Keeps the descriptor open.
    private let owner: any Sendable
    private let loop: EventLoop
    private let rest: Mutex<Range<Int>>

    init(_ descriptor: Int32, owner: any Sendable, _ range: Range<Int>, on loop: EventLoop) {
        self.descriptor = descriptor
        self.owner = owner
        self.loop = loop
        rest = Mutex(range)
    }

    /// - Throws: `truncated` when the file is shorter, or cannot be read.
    func next() async throws(HTTPBodyError) -> [UInt8]? {
        let chunk = rest.withLock { $0.prefix(Self.chunkBytes) }
        guard !chunk.isEmpty else { return nil }
        let read = await loop.blocking { [descriptor] in try? SpoolFile.read(chunk, from: descriptor) }
        guard let read, read.count == chunk.count else { throw .truncated }
        rest.withLock { $0 = chunk.upperBound..<$0.upperBound }
        return read
    }

    func cancel() { rest.withLock { $0 = $0.upperBound..<$0.upperBound } }
}

/// A range of another source.
final class SlicedSource: HTTPByteSource {
    /// What is still to come of the range, and before it.
    private struct Rest {
        var toSkip: Int
        var left: Int

        /// - Returns: the chunk's part of the range, if it has any.
        mutating func take(from chunk: [UInt8]) -> [UInt8]? {
            if toSkip >= chunk.count {
                toSkip -= chunk.count
                return nil
            }
            var part = chunk
            part.removeFirst(toSkip)
            toSkip = 0
            if part.count > left { part.removeLast(part.count - left) }
            left -= part.count
            return part
        }
    }

    private let source: any HTTPByteSource
    private let rest: Mutex<Rest>

    init(_ source: any HTTPByteSource, _ range: Range<Int>) {
        self.source = source
        rest = Mutex(Rest(toSkip: range.lowerBound, left: range.count))
    }

    func next() async throws(HTTPBodyError) -> [UInt8]? {
        while rest.withLock({ $0.left > 0 }) {
            guard let chunk = try await source.next() else { throw .truncated }
            if let part = rest.withLock({ $0.take(from: chunk) }) { return part }
        }
        return nil
    }

    func cancel() { source.cancel() }
}
