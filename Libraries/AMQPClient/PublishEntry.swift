import Synchronization

/// A caller of `publish` who waits until all its messages are confirmed, or one surely is not.
final class PublishTicket: Sendable {
    private struct State {
        var remaining: Int
        var continuation: CheckedContinuation<AMQPError?, Never>?
    }

    private let state: Mutex<State>

    init(count: Int, continuation: CheckedContinuation<AMQPError?, Never>) {
        state = Mutex(State(remaining: count, continuation: continuation))
    }

    /// One of the messages came to an end. The first error, or the last confirm, resumes the caller.
    func settle(_ error: AMQPError?) {
        let continuation: CheckedContinuation<AMQPError?, Never>? = state.withLock { state in
            state.remaining -= 1
            guard error != nil || state.remaining == 0 else { return nil }
            defer { state.continuation = nil }
            return state.continuation
        }
        continuation?.resume(returning: error)
    }

    /// Nobody waits any more.
    var isOver: Bool { state.withLock { $0.continuation == nil } }
}

/// A message on its way to the broker.
struct PublishEntry {
    let message: AMQPMessage
    /// `nil`: nobody waits, and it is sent without asking for a confirm.
    let ticket: PublishTicket?
    /// In monotonic milliseconds: when waiting makes no sense any more.
    let deadline: Int64

    /// What it counts for in the buffer: its body and something for the rest.
    var cost: Int { message.body.count + 256 }
}
