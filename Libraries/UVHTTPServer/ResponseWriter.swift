import Synchronization
import UVLoop

/// The client is gone, or takes nothing any more.
package struct ClientDisconnected: Error, Sendable {
    package init() {}
}

/// Bytes framed once for many writers of chunked bodies.
package struct FramedChunk: Sendable {
    let framed: [UInt8]
    private let range: Range<Int>

    /// - Parameter bytes: not empty; an empty chunk would end the body.
    package init(_ bytes: [UInt8]) {
        framed = ResponseWriter.frame(bytes)
        let end = framed.count - 2  // the line break behind a chunk
        range = end - bytes.count..<end
    }

    /// What it was made of.
    package var bytes: ArraySlice<UInt8> { framed[range] }
}

/// Where the body of a streamed response goes.
///
/// `@unchecked Sendable`: confined to the connection's loop; `write` goes there first, the other members say so.
package final class ResponseWriter: @unchecked Sendable {
    package let loop: EventLoop
    /// Called once, on the loop, when the client goes away. Loop thread only.
    package var onDisconnect: (@Sendable () -> Void)?
    /// Called on the loop when everything written so far has gone to the system. Loop thread only.
    package var onDrain: (@Sendable () -> Void)?
    /// Called on the loop when the server stops: the body should end soon. Loop thread only.
    package var onShutdown: (@Sendable () -> Void)?
    /// The client is gone or the body has ended. Loop thread only.
    package private(set) var isClosed = false

    /// How the body's end is marked.
    enum Framing: Equatable {
        case chunked, untilClose
        /// By its length in bytes.
        case length(Int)
    }

    /// A body that is not as long as was announced.
    struct WrongLength: Error {
        /// Bytes that are missing; below zero those that are too many.
        let left: Int
    }

    let framing: Framing
    /// Bytes that are still to come; nil where the length was not announced. Loop thread only.
    private(set) var left: Int?
    private let highWater: Int
    /// `nil` once the response is over.
    private var connection: HTTPConnection?
    private var waiters: [Waiter] = []

    /// A task that waits; several may write to one body, and each is cancelled by itself.
    private final class Waiter: Sendable {
        private struct State {
            var continuation: UnsafeContinuation<Void, Never>?
            var isCancelled = false
        }

        private let state = Mutex(State())

        var isCancelled: Bool { state.withLock { $0.isCancelled } }

        func wait(_ continuation: UnsafeContinuation<Void, Never>) {
            state.withLock { $0.continuation = continuation }
        }

        func resume() { state.withLock { $0.continuation.take() }?.resume() }

        func cancel() {
            state.withLock { $0.isCancelled = true }
            resume()
        }
    }

    init(connection: HTTPConnection, loop: EventLoop, framing: Framing, highWater: Int) {
        self.connection = connection
        self.loop = loop
        self.framing = framing
        self.highWater = highWater
        if case .length(let length) = framing { left = length }
    }

    /// Writes a piece of the body, and waits while too much of what was written before is still on its way.
    ///
    /// - Throws: `ClientDisconnected`; `CancellationError` when the task is cancelled while it waits.
    package func write(_ bytes: [UInt8]) async throws {
        try await write(pending: { $0.send(bytes) })
    }

    /// The same with bytes that many writers share.
    package func write(_ chunk: FramedChunk) async throws {
        try await write(pending: { $0.send(chunk) })
    }

    private func write(pending send: @escaping @Sendable (ResponseWriter) -> Int) async throws {
        let (isClosed, left) = await onLoop { writer in
            guard !writer.isClosed else { return (true, 0) }
            _ = send(writer)
            return (false, writer.left ?? 0)
        }
        if isClosed { throw ClientDisconnected() }
        if left < 0 { throw WrongLength(left: left) }
        await drained()
        if await onLoop(\.isClosed) { throw ClientDisconnected() }
        try Task.checkCancellation()
    }

    private func onLoop<Value: Sendable>(_ body: @escaping @Sendable (ResponseWriter) -> Value) async -> Value {
        if loop.inLoop { return body(self) }
        return await withUnsafeContinuation { continuation in
            loop.execute { continuation.resume(returning: body(self)) }
        }
    }

    /// Returns once little is waiting, the client is gone or the task is cancelled.
    private func drained() async {
        if loop.inLoop, isClosed || pendingBytes <= highWater { return }
        let waiter = Waiter()
        await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                loop.execute {
                    waiter.wait(continuation)
                    if self.isClosed || self.pendingBytes <= self.highWater || waiter.isCancelled {
                        waiter.resume()
                    } else {
                        self.waiters.append(waiter)
                    }
                }
            }
        } onCancel: {
            loop.execute { self.cancel(waiter) }
        }
    }

    private func cancel(_ waiter: Waiter) {
        waiter.cancel()
        waiters.removeAll { $0 === waiter }
    }

    // MARK: - On the loop

    /// Bytes that the system has not taken yet. Loop thread only.
    package var pendingBytes: Int { connection?.pendingBytes ?? 0 }

    /// Bytes of this connection that the client's system has taken so far. A system call; loop thread only.
    package var takenBytes: Int { connection?.stream.takenBytes ?? 0 }

    /// Writes without waiting. Loop thread only.
    ///
    /// - Returns: `pendingBytes`; a caller that ignores it can fill the memory for a client that does not read.
    @discardableResult
    package func send(_ bytes: [UInt8]) -> Int {
        guard let connection, !bytes.isEmpty, hasRoom(for: bytes.count) else { return 0 }
        connection.writeBody(framing == .chunked ? Self.frame(bytes) : bytes)
        return connection.pendingBytes
    }

    /// What is beyond the length would be taken for the next response.
    private func hasRoom(for count: Int) -> Bool {
        guard let rest = left else { return true }
        left = rest - count
        return rest >= count
    }

    @discardableResult
    package func send(_ chunk: FramedChunk) -> Int {
        guard let connection, !chunk.bytes.isEmpty, hasRoom(for: chunk.bytes.count) else { return 0 }
        connection.writeBody(framing == .chunked ? chunk.framed : Array(chunk.bytes))
        return connection.pendingBytes
    }

    /// Breaks the connection off. Loop thread only.
    package func abort() {
        connection?.close()
    }

    /// Ends the body of a detached response. Loop thread only.
    ///
    /// - Parameter error: why it is not whole, where it is not: then the connection is broken off.
    package func finish(_ error: (any Error)? = nil) {
        if let error { connection?.breakStream(self, error) } else { connection?.endStream(self) }
    }

    static func frame(_ bytes: [UInt8]) -> [UInt8] {
        var framed: [UInt8] = []
        framed.reserveCapacity(bytes.count + 12)
        ResponseHead.appendChunkSize(bytes.count, to: &framed)
        framed.append(contentsOf: bytes)
        framed.append(0x0D)
        framed.append(0x0A)
        return framed
    }

    func drainedNow() {
        resumeWaiters()
        onDrain?()
    }

    /// The client is gone.
    func disconnected() {
        guard !isClosed else { return }
        let handler = onDisconnect
        close()
        handler?()
    }

    /// The response is over, one way or the other.
    func close() {
        isClosed = true
        connection = nil
        onDisconnect = nil
        onDrain = nil
        onShutdown = nil
        resumeWaiters()
    }

    private func resumeWaiters() {
        let resumed = waiters
        waiters = []
        for waiter in resumed { waiter.resume() }
    }
}
