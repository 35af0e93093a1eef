import Synchronization

/// A caller of `publish` that waits for the outcomes of its messages, until its deadline.
final class PublishTicket: Sendable {
    private enum Progress {
        case waiting
        case sent
        case finished(AMQPError?)
    }

    private struct State {
        var messages: [Progress]
        var open: Int
        var continuation: CheckedContinuation<[AMQPError?], Never>?
    }

    private let state: Mutex<State>

    /// - Parameter continuation: resumed once, with one outcome a message, in order.
    init(count: Int, continuation: CheckedContinuation<[AMQPError?], Never>) {
        state = Mutex(
            State(messages: Array(repeating: .waiting, count: count), open: count, continuation: continuation))
    }

    /// A message is about to be sent: from now on its outcome is unknown until the broker confirms or refuses it.
    ///
    /// - Returns: false when the caller no longer waits. It must not be sent then: the caller may know that it was not.
    func begin(_ index: Int) -> Bool {
        state.withLock { state in
            guard state.continuation != nil else { return false }
            state.messages[index] = .sent
            return true
        }
    }

    /// Sets a message's outcome. The last one resumes the caller.
    func settle(_ index: Int, _ error: AMQPError?) {
        resume { state in
            if case .finished = state.messages[index] { return }
            state.messages[index] = .finished(error)
            state.open -= 1
        }
    }

    /// Ends the wait for all messages that are still open.
    ///
    /// - Parameters:
    ///   - waiting: the outcome of messages that were not sent.
    ///   - sent: the outcome of messages that were.
    func end(waiting: AMQPError, sent: AMQPError) {
        resume { state in
            for index in state.messages.indices {
                switch state.messages[index] {
                case .waiting: state.messages[index] = .finished(waiting)
                case .sent: state.messages[index] = .finished(sent)
                case .finished: break
                }
            }
            state.open = 0
        }
    }

    /// The caller no longer waits.
    var isFinished: Bool { state.withLock { $0.continuation == nil } }

    private func resume(after change: (inout State) -> Void) {
        let ended = state.withLock { state -> (CheckedContinuation<[AMQPError?], Never>, [AMQPError?])? in
            guard state.continuation != nil else { return nil }
            change(&state)
            guard state.open == 0, let continuation = state.continuation else { return nil }
            state.continuation = nil
            let outcomes = state.messages.map { progress -> AMQPError? in
                if case .finished(let error) = progress { error } else { nil }
            }
            return (continuation, outcomes)
        }
        if let (continuation, outcomes) = ended { continuation.resume(returning: outcomes) }
    }
}

/// A message on its way to the broker.
struct PublishEntry {
    let message: AMQPMessage
    /// `nil` for a message without a waiting caller, which is sent without a confirm.
    let ticket: PublishTicket?
    /// Which of the ticket's messages it is.
    let index: Int
    /// In monotonic milliseconds; it is not sent after it.
    let deadline: Int64

    /// Its size in the buffer: its body and an allowance for the rest.
    var cost: Int { message.body.count + 256 }
}
