/// What becomes of one call: what its transport and its reader report goes in as events, and what is to be done comes out
/// as `Actions`. It knows nothing of sockets and continuations; `HTTPCall` owns those and performs the actions.
///
/// | From                   | To          | When                                                               |
/// |------------------------|-------------|--------------------------------------------------------------------|
/// | `pending`              | `streaming` | the head is there, and its body is not collected                   |
/// | `pending`, `streaming` | `complete`  | the response has ended                                             |
/// | the same               | `failed`    | a deadline, the connection, a limit or the caller has ended it      |
struct CallStateMachine {
    enum Phase {
        /// The caller has nothing of the response: its head has not come, or its body is collected.
        case pending
        /// The caller has the head and reads the body.
        case streaming
        /// The whole response has come; some of it may be unread.
        case complete
        case failed
    }

    /// What is to be done after an event, in the order in which it is declared.
    struct Actions: OptionSet, Sendable {
        let rawValue: UInt8

        /// The call waits for a connection no longer.
        static let leaveQueue = Actions(rawValue: 1 << 0)
        /// Close what carries the call, and forget it.
        static let abortTransport = Actions(rawValue: 1 << 1)
        /// What carried the call has detached itself.
        static let forgetTransport = Actions(rawValue: 1 << 2)
        static let pauseReading = Actions(rawValue: 1 << 3)
        static let resumeReading = Actions(rawValue: 1 << 4)
        /// Give the caller the head, and the body to read.
        static let respondWithStream = Actions(rawValue: 1 << 5)
        /// Give the caller the head, and the body that was collected.
        static let respondWithBody = Actions(rawValue: 1 << 6)
        /// Give the error, or the body's end, to whoever waits: the caller or the reader.
        static let resumeWaiting = Actions(rawValue: 1 << 7)
    }

    /// What to do with some of a body.
    enum BodyPiece: Equatable {
        case ignore
        /// Give it to the reader that waits.
        case hand
        /// Keep it until it is read, or the response is complete, and perform the actions.
        case keep(Actions)
        /// Fail the call: the body is longer than was to be collected.
        case refuse
    }

    private(set) var phase = Phase.pending
    /// Most bytes of a body that is collected; nil while it is read by the caller.
    private var collectionLimit: Int?
    private var hasHead = false
    /// Nothing is read from the connection, because enough is unread already.
    private(set) var isPaused = false

    /// The response is complete, or the call failed: nothing that comes counts any more.
    var isFinished: Bool { phase == .complete || phase == .failed }

    /// The final response's head has arrived.
    ///
    /// - Parameters:
    ///   - limit: bytes of its body that may be collected; nil to have it read by the caller.
    ///   - announced: the body's length, as far as the head says it.
    /// - Returns: whether the announced body may come; else the call is to be failed.
    mutating func headReceived(collecting limit: Int?, announced: UInt64?) -> Bool {
        hasHead = true
        collectionLimit = limit
        guard let limit, let announced else { return true }
        return announced <= UInt64(limit)
    }

    /// Some of the body has arrived.
    ///
    /// - Parameters:
    ///   - count: its bytes.
    ///   - unread: bytes that came before and were not read.
    ///   - maxUnread: bytes beyond which nothing more is read from the connection.
    ///   - isAwaited: a reader waits, so that nothing is unread.
    mutating func bodyReceived(_ count: Int, unread: Int, maxUnread: Int, isAwaited: Bool) -> BodyPiece {
        guard !isFinished, count > 0 else { return .ignore }
        if isAwaited { return .hand }
        if let collectionLimit { return unread + count > collectionLimit ? .refuse : .keep([]) }
        guard unread + count > maxUnread, !isPaused else { return .keep([]) }
        isPaused = true
        return .keep(.pauseReading)
    }

    /// What has come so far is all for now.
    mutating func flushed() -> Actions {
        guard phase == .pending, hasHead, collectionLimit == nil else { return [] }
        phase = .streaming
        return .respondWithStream
    }

    /// What was unread has been read.
    mutating func bodyRead() -> Actions {
        guard isPaused else { return [] }
        isPaused = false
        return isFinished ? [] : .resumeReading
    }

    /// The response is complete.
    mutating func completed() -> Actions {
        guard !isFinished else { return [] }
        defer { phase = .complete }
        return [.forgetTransport, phase == .pending ? .respondWithBody : .resumeWaiting]
    }

    /// The call ends without its whole response.
    mutating func failed() -> Actions {
        guard !isFinished else { return [] }
        phase = .failed
        return [.leaveQueue, .abortTransport, .resumeWaiting]
    }
}
