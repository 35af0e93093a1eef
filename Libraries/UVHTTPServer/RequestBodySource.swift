import HTTPCore
import UVLoop

/// A request's body that its handler reads while it arrives.
///
/// `@unchecked Sendable`: confined to the connection's loop; `next` and `cancel` go there first.
final class RequestBodySource: HTTPByteSource, @unchecked Sendable {
    private typealias Piece = Result<[UInt8]?, HTTPBodyError>

    /// Bytes that may wait before the connection stops reading.
    static let highWater = 64 * 1024

    private let loop: EventLoop
    /// `nil` once the request is over, so that a source that is kept does not keep the connection.
    private weak var connection: HTTPConnection?
    private var waiting: [UInt8] = []
    private var end: Piece?
    private var reader: UnsafeContinuation<Piece, Never>?

    init(loop: EventLoop, connection: HTTPConnection, initial: [UInt8]) {
        self.loop = loop
        self.connection = connection
        waiting = initial
    }

    /// Enough waits: the connection should stop reading.
    var isFull: Bool { waiting.count >= Self.highWater }

    func push(_ bytes: UnsafeBufferPointer<UInt8>) {
        guard end == nil else { return }
        if let reader {
            self.reader = nil
            reader.resume(returning: .success(Array(bytes)))
        } else {
            waiting.append(contentsOf: bytes)
        }
    }

    func finish() {
        close(.success(nil))
    }

    func fail(_ error: HTTPBodyError) {
        waiting = []
        close(.failure(error))
    }

    private func close(_ piece: Piece) {
        guard end == nil else { return }
        end = piece
        reader?.resume(returning: piece)
        reader = nil
    }

    func next() async throws(HTTPBodyError) -> [UInt8]? {
        let piece = await withUnsafeContinuation { (continuation: UnsafeContinuation<Piece, Never>) in
            loop.execute { self.take(continuation) }
        }
        return try piece.get()
    }

    private func take(_ continuation: UnsafeContinuation<Piece, Never>) {
        if !waiting.isEmpty {
            let wasFull = isFull
            let bytes = waiting
            waiting = []
            continuation.resume(returning: .success(bytes))
            if wasFull { connection?.bodyWanted() }
        } else if let end {
            continuation.resume(returning: end)
        } else {
            reader = continuation
            connection?.bodyWanted()
        }
    }

    /// The handler reads no more; what still comes is read past, or the connection closes after the response.
    func cancel() {
        loop.execute { self.fail(.cancelled) }
    }
}
