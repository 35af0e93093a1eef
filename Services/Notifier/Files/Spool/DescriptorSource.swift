import Foundation
import HTTPCore
import UVLoop

/// Reads a range of an open file in chunks, on the loop's thread pool.
///
/// `@unchecked Sendable`: it has one reader at a time, as every source.
final class DescriptorSource: HTTPByteSource, @unchecked Sendable {
    private static let chunkBytes = 128 * 1024

    private let descriptor: Int32
    /// Keeps the descriptor open.
    private let owner: any Sendable
    private let loop: EventLoop
    private var rest: Range<Int>

    init(_ descriptor: Int32, owner: any Sendable, _ range: Range<Int>, on loop: EventLoop) {
        self.descriptor = descriptor
        self.owner = owner
        self.loop = loop
        rest = range
    }

    /// - Throws: `truncated` when the file is shorter, or cannot be read.
    func next() async throws(HTTPBodyError) -> [UInt8]? {
        guard !rest.isEmpty else { return nil }
        let chunk = rest.prefix(Self.chunkBytes)
        let read = await loop.blocking { [descriptor] in try? SpoolFile.read(chunk, from: descriptor) }
        guard let read, read.count == chunk.count else { throw .truncated }
        rest = chunk.upperBound..<rest.upperBound
        return read
    }

    func cancel() { rest = rest.upperBound..<rest.upperBound }
}

/// A range of another source.
///
/// `@unchecked Sendable`: it has one reader at a time, as every source.
final class SlicedSource: HTTPByteSource, @unchecked Sendable {
    private let source: any HTTPByteSource
    private var toSkip: Int
    private var left: Int

    init(_ source: any HTTPByteSource, _ range: Range<Int>) {
        self.source = source
        toSkip = range.lowerBound
        left = range.count
    }

    func next() async throws(HTTPBodyError) -> [UInt8]? {
        while left > 0 {
            guard var chunk = try await source.next() else { throw .truncated }
            if toSkip >= chunk.count {
                toSkip -= chunk.count
                continue
            }
            chunk.removeFirst(toSkip)
            toSkip = 0
            if chunk.count > left { chunk.removeLast(chunk.count - left) }
            left -= chunk.count
            return chunk
        }
        return nil
    }

    func cancel() { source.cancel() }
}
