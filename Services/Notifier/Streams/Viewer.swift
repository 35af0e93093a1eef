import EventLoop
import Foundation
import Synchronization

/// One open stream: a bounded buffer between the hub, which never waits, and a client, which may be slow.
final class Viewer: Sendable {
    /// Frames that wait for a slow client; what comes beyond is dropped, counted and told.
    static let capacity = 256

    enum Next: Sendable {
        case bytes([UInt8])
        /// Nothing came for the time given.
        case idle
        case over
    }

    private struct State {
        var frames: [StreamFrame] = []
        var dropped = 0
        var isOver = false
        /// What the client has had already, from the log.
        var seen = LogPosition.start
        var waiter: (id: Int, continuation: UnsafeContinuation<Void, Never>)?
        var nextWaiter = 0
    }

    let filter: StreamFilter
    private let state = Mutex(State())

    init(filter: StreamFilter) {
        self.filter = filter
    }

    /// Leaves out events of the log up to this position: the client has had them.
    func start(after position: LogPosition) {
        state.withLock { $0.seen = position }
    }

    /// Hands over an event; never waits.
    ///
    /// - Returns: false when the buffer was full and the event is lost to this viewer; nil when it is none of its.
    @discardableResult
    func offer(_ frame: StreamFrame) -> Bool? {
        guard filter.admits(frame) else { return nil }
        let (isTaken, waiter) = state.withLock { state -> (Bool?, UnsafeContinuation<Void, Never>?) in
            if let position = frame.position, position <= state.seen { return (nil, nil) }
            guard state.frames.count < Self.capacity else {
                state.dropped += 1
                return (false, nil)
            }
            state.frames.append(frame)
            defer { state.waiter = nil }
            return (true, state.waiter?.continuation)
        }
        waiter?.resume()
        return isTaken
    }

    /// Ends the stream.
    func end() {
        let waiter = state.withLock { state in
            state.isOver = true
            defer { state.waiter = nil }
            return state.waiter?.continuation
        }
        waiter?.resume()
    }

    /// Everything that waits, as one piece; waits for it if need be, but not longer than `limit`.
    func next(on loop: EventLoop, within limit: Duration) async -> Next {
        if let now = take() { return now }
        await wait(on: loop, within: limit)
        return take() ?? .idle
    }

    private func take() -> Next? {
        state.withLock { state in
            if state.isOver { return .over }
            guard !state.frames.isEmpty || state.dropped > 0 else { return nil }
            var bytes = state.frames.count == 1 ? state.frames[0].bytes : state.frames.flatMap(\.bytes)
            if state.dropped > 0 { bytes += StreamFrame.lagged(state.dropped) }
            state.frames.removeAll()
            state.dropped = 0
            return .bytes(bytes)
        }
    }

    private func wait(on loop: EventLoop, within limit: Duration) async {
        let timer = Mutex<ScheduledCall?>(nil)
        await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                let id: Int? = state.withLock { state in
                    guard state.frames.isEmpty, state.dropped == 0, !state.isOver else { return nil }
                    state.nextWaiter += 1
                    state.waiter = (state.nextWaiter, continuation)
                    return state.nextWaiter
                }
                guard let id else { return continuation.resume() }
                let call = loop.schedule(after: limit) { self.wake(id) }
                timer.withLock { $0 = call }
            }
        } onCancel: {
            end()
        }
        timer.withLock { $0 }?.cancel()
    }

    private func wake(_ id: Int) {
        let continuation = state.withLock { state -> UnsafeContinuation<Void, Never>? in
            guard let waiter = state.waiter, waiter.id == id else { return nil }
            state.waiter = nil
            return waiter.continuation
        }
        continuation?.resume()
    }
}
