import EventLoop
import Foundation
import Synchronization

/// One open stream: a bounded buffer between the hub, which never waits, and a client, which may be slow.
final class Viewer: Sendable {
    /// Events that wait for a slow client, and their bytes, but for one of any size; what comes beyond is dropped,
    /// counted and told.
    static let capacity = 256
    static let capacityBytes = 1 << 20

    enum Next: Sendable {
        /// Short ones together, or one of any length.
        case events([EventBytes])
        /// So many were dropped behind those that were sent.
        case lagged(Int)
        /// Nothing came for the time given.
        case idle
        case over
    }

    private struct State {
        var events: [EventBytes] = []
        var bytes = 0
        var dropped = 0
        var isOver = false
        /// The client was ready for what has come since, and only has to be resumed.
        var isReady = false
        /// What the client has had already, from the log.
        var seen = LogPosition.start
        var waiter: (id: Int, continuation: UnsafeContinuation<Void, Never>)?
        var nextWaiter = 0

        /// Nothing is taken behind a gap before the client has been told of it.
        func hasRoom(for event: EventBytes) -> Bool {
            if events.isEmpty { return dropped == 0 }
            return dropped == 0 && events.count < capacity && bytes + event.count <= capacityBytes
        }
    }

    let filter: StreamFilter
    let format: StreamFormat
    private let state = Mutex(State())

    init(filter: StreamFilter, format: StreamFormat) {
        self.filter = filter
        self.format = format
    }

    /// Bytes that wait for a client that was not ready for them.
    var backlog: Int { state.withLock { $0.isReady ? 0 : $0.bytes } }
    /// Its client is gone, or its stream is to end.
    var isOver: Bool { state.withLock { $0.isOver } }
    /// The client is ready for more.
    var isWaiting: Bool { state.withLock { $0.waiter != nil } }

    /// Leaves out events of the log up to this position: the client has had them.
    func start(after position: LogPosition) {
        state.withLock { $0.seen = position }
    }

    /// Hands over an event that the filter admits; never waits.
    ///
    /// - Parameter mayWait: false when there is no memory for events that the client is not ready for.
    /// - Returns: false when there was no room and the event is lost to this viewer; nil when it has had it already.
    @discardableResult
    func offer(_ frame: StreamFrame, mayWait: Bool = true) -> Bool? {
        let (isTaken, waiter) = state.withLock { state -> (Bool?, UnsafeContinuation<Void, Never>?) in
            if let position = frame.position, position <= state.seen { return (nil, nil) }
            defer { state.waiter = nil }
            guard state.hasRoom(for: frame.event), mayWait || state.waiter != nil else {
                state.dropped += 1
                return (false, state.waiter?.continuation)
            }
            if state.waiter != nil { state.isReady = true }
            state.events.append(frame.event)
            state.bytes += frame.event.count
            return (true, state.waiter?.continuation)
        }
        waiter?.resume()
        return isTaken
    }

    /// Gives up what waits, to be told to the client.
    ///
    /// - Returns: how many events.
    func dropBacklog() -> Int {
        state.withLock { state in
            let count = state.events.count
            state.dropped += count
            state.events = []
            state.bytes = 0
            return count
        }
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

    /// What waits, as much as should be sent at once; waits for it if need be, but not longer than `limit`.
    func next(on loop: EventLoop, within limit: Duration) async -> Next {
        if let now = take() { return now }
        await wait(on: loop, within: limit)
        return take() ?? .idle
    }

    private func take() -> Next? {
        state.withLock { state in
            state.isReady = false
            if state.isOver { return .over }
            guard let first = state.events.first else {
                defer { state.dropped = 0 }
                return state.dropped > 0 ? .lagged(state.dropped) : nil
            }
            var (count, bytes) = (1, first.count)
            while count < state.events.count, bytes + state.events[count].count <= EventBytes.piece {
                bytes += state.events[count].count
                count += 1
            }
            defer {
                state.events.removeFirst(count)
                state.bytes -= bytes
            }
            return .events(Array(state.events[..<count]))
        }
    }

    private func wait(on loop: EventLoop, within limit: Duration) async {
        let timer = Mutex<ScheduledCall?>(nil)
        await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                let id: Int? = state.withLock { state in
                    guard state.events.isEmpty, state.dropped == 0, !state.isOver else { return nil }
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
