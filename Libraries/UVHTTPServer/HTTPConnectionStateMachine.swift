/// What one client's connection does next: bytes, responses and timers go in as events, and what is to be done comes out
/// as `Actions`. It knows nothing of sockets, parsers and tasks; `HTTPConnection` owns those and performs the actions.
///
/// Every event is one `mutating` call that runs to its end before anything is performed, so nothing can come back into a
/// transition. Counters and flags only: an event allocates nothing.
///
/// | From                                 | To          | When                                                         |
/// |--------------------------------------|-------------|--------------------------------------------------------------|
/// | `idle`                               | `receiving` | a head was read                                              |
/// | `receiving`                          | `handling`  | its handler starts: all was read, or it reads while it comes |
/// | `handling`                           | `streaming` | the head of a streamed response was written                  |
/// | `handling`                           | `upgraded`  | the response was that another protocol takes over            |
/// | `receiving`, `handling`, `streaming` | `idle`      | the response is complete, and the request was read           |
/// | the same                             | `skipping`  | the response is complete; the rest of the body is small      |
/// | the same                             | `closing`   | the response is complete, and no other request may follow    |
/// | `skipping`                           | `idle`      | the request was read                                         |
/// | `closing`                            | `lingering` | the last output was handed to the stream                     |
/// | any                                  | `closed`    | the peer is gone, or nothing is left to do or to wait for    |
struct HTTPConnectionStateMachine {
    enum Phase: UInt8 {
        /// Between requests; some of a head may have come.
        case idle
        /// A head was received; its request has no handler yet, because its body is still arriving.
        case receiving
        /// A handler is at work; the body may still be arriving.
        case handling
        /// A handler writes the response's body; the request's body may still be arriving.
        case streaming
        /// The response is complete; the rest of the request's body is read past.
        case skipping
        /// No further request is taken; the last output is being handed to the stream.
        case closing
        /// Closed for writing; waits for the peer to close as well, so that it can read the last response.
        case lingering
        case closed
        /// The stream belongs to another protocol.
        case upgraded
    }

    /// What the connection's only timer waits for.
    enum Timer: UInt8 {
        case none
        /// The end of a request's head.
        case head
        /// The next request.
        case idle
        /// Some more of a request's body.
        case body
        /// The peer's acknowledgement of some more of the output.
        case write
        /// The peer's end of file, after the connection was closed for writing.
        case peerEnd
    }

    /// Input kept while a request is in progress, beyond which reading stops, in bytes.
    static let maxKeptInput = 64 * 1024
    /// Bytes of output collected for pipelined requests before they are written, and of written output that the peer has
    /// not taken before it gets no further response.
    static let maxCollectedOutput = 64 * 1024

    let limits: Limits
    private(set) var phase = Phase.idle
    private(set) var timer = Timer.none
    /// Tells requests apart: a handler may return after its connection went on or closed.
    private(set) var requestNumber: UInt64 = 0
    private var request = RequestState()
    /// Another request may follow this one.
    private(set) var keepsAlive = true
    /// The server is shutting down.
    private(set) var isDraining = false

    /// The peer sends nothing more.
    private var isInputEnded = false
    /// Within the parser's loop, which goes on by itself when a request ends.
    private var isParsing = false
    /// The parser has read some of a message, but not its end.
    private var isInsideMessage = false
    /// Bytes that were received and not parsed.
    private(set) var keptBytes = 0
    private(set) var isReadingPaused = false

    /// Output that was not handed to the stream yet.
    private var collectedBytes = 0
    /// Output that the stream has not handed to the system yet.
    private var unwrittenBytes = 0
    private var isFlushScheduled = false
    /// Nothing unread can be lost by closing at once.
    private var mayCloseAtOnce = false
    /// The handler's response was that another protocol takes over; carried out when the current read is parsed.
    private var isUpgradePending = false

    /// Bytes of the request's body that had arrived when the timer was set for it.
    private var bodyMark = 0
    /// Bytes that the peer had acknowledged when the timer was set for it.
    private var writeMark = 0

    init(limits: Limits) {
        self.limits = limits
    }

    /// The peer leaves its responses unread; it gets no further one until it has taken them.
    private var isBehind: Bool { unwrittenBytes >= Self.maxCollectedOutput }

    /// A head was received and its response is not complete, or its body not read past.
    private var hasRequest: Bool {
        switch phase {
        case .receiving, .handling, .streaming, .skipping: true
        case .idle, .closing, .lingering, .closed, .upgraded: false
        }
    }

    /// - Parameter number: of a request.
    /// - Returns: whether the connection waits for this request's response.
    func awaitsResponse(of number: UInt64) -> Bool { phase == .handling && number == requestNumber }

    /// - Parameter number: of a request.
    /// - Returns: whether its response is not complete.
    func isInProgress(_ number: UInt64) -> Bool {
        (phase == .handling || phase == .streaming) && number == requestNumber
    }
}

// MARK: - Input

extension HTTPConnectionStateMachine {
    /// The connection was accepted.
    mutating func opened() -> Actions { arm(.head) }

    /// Output was collected, or part of what was written has gone to the system. Comes before every event that may
    /// depend on it.
    ///
    /// - Parameters:
    ///   - collected: bytes that were not handed to the stream yet.
    ///   - unwritten: bytes that the stream has not handed to the system yet.
    mutating func updateOutput(collected: Int, unwritten: Int) {
        collectedBytes = collected
        unwrittenBytes = unwritten
    }

    /// Bytes came from the peer.
    ///
    /// - Returns: what to do with them.
    mutating func received(_ count: Int) -> Input {
        let parses =
            switch phase {
            case .idle, .receiving: keptBytes == 0 && !isBehind
            case .skipping: keptBytes == 0
            case .handling, .streaming: !request.isComplete
            case .closing, .lingering, .closed, .upgraded: false
            }
        if parses { return .parse }
        guard hasRequest || phase == .idle else { return .ignore }
        return .keep(keep(count))
    }

    private mutating func keep(_ count: Int) -> Actions {
        keptBytes += count
        return keptBytes > Self.maxKeptInput ? pauseReading() : []
    }

    /// The parser is about to get bytes.
    mutating func parsingBegan() { isParsing = true }

    /// Whether the parser may get what is left of a read.
    var canParse: Bool {
        switch phase {
        case .idle, .receiving: collectedBytes < Self.maxCollectedOutput && !isBehind
        case .skipping: true
        case .handling, .streaming: !request.isComplete
        case .closing, .lingering, .closed, .upgraded: false
        }
    }

    /// The parser has read a head, and its request was routed.
    mutating func headReceived(_ head: RequestHead) {
        requestNumber &+= 1
        phase = .receiving
        request = RequestState(head)
        keepsAlive = head.keepAlive && !isDraining
    }

    /// The parser has read some of a body.
    ///
    /// - Returns: what to do with the bytes.
    mutating func bodyReceived(_ count: Int) -> BodyPiece {
        if phase == .skipping { request.skippedBytes += count }
        guard phase == .receiving || phase == .handling || phase == .streaming, !request.hasResponse else {
            return .discard
        }
        request.bodyBytes += count
        guard request.bodyBytes > request.head.maxBodyBytes else { return request.isStreamed ? .push : .buffer }
        request.mustClose = true
        if request.isStreamed { return .failTooLarge }
        request.hasResponse = true
        return .refuseTooLarge
    }

    /// The parser took a whole read, and the message goes on.
    mutating func inputConsumed() -> Actions {
        guard hasRequest else { return [] }
        if request.hasResponse { return .respond }
        if phase == .receiving, request.head.wantsStream || request.bodyBytes > limits.bufferedBodyBytes {
            phase = .handling
            request.isStreamed = true
            return restartBodyTimer().union(.startStreamedHandler)
        }
        return bodyProgressed()
    }

    /// The parser came to the end of a request.
    mutating func requestCompleted() -> Actions {
        guard hasRequest else { return [] }
        request.isComplete = true
        if phase == .skipping { return keepsAlive ? clearTimer().union(endRequest()) : beginClosing() }
        if phase == .streaming { return request.isStreamed ? .finishBody : [] }
        let cleared = clearTimer()
        if request.hasResponse { return cleared.union(.respond) }
        if request.isStreamed { return cleared.union(.finishBody) }
        guard phase == .receiving else { return cleared }
        phase = .handling
        return cleared.union(.startHandler)
    }

    /// The peer's bytes are no request. What it asked before is responded to first, so this never follows an open
    /// response.
    mutating func parsingFailed() -> Actions {
        keepsAlive = false
        switch phase {
        case .idle, .receiving:
            beginRefusal()
            return .refuseMalformed
        case .handling, .streaming:
            request.mustClose = true
            return pauseReading().union(request.isStreamed ? .truncateBody : [])
        case .skipping:
            return beginClosing()
        case .closing, .lingering, .closed, .upgraded:
            return []
        }
    }

    private mutating func beginRefusal() {
        if phase == .idle {
            requestNumber &+= 1
            phase = .receiving
            request = RequestState()
        }
        keepsAlive = false
        request.hasResponse = true
        request.mustClose = true
    }

    /// The parser's loop has ended.
    ///
    /// - Parameters:
    ///   - rest: bytes that were not parsed.
    ///   - isInsideMessage: the parser has read some of a message, but not its end.
    mutating func parsingEnded(rest: Int, isInsideMessage: Bool) -> Actions {
        isParsing = false
        self.isInsideMessage = isInsideMessage
        switch phase {
        case .handling, .streaming:
            let kept = rest > 0 ? keep(rest).union(.keepRest) : []
            if isUpgradePending { return kept.union(upgrade()) }
            return kept.union(scheduleFlush())
        case .idle, .receiving:
            let flushed = collectedBytes > 0 ? .flush : phase == .idle ? waitForRequest() : []
            guard rest > 0 else { return flushed }
            return keep(rest).union(flushed).union([.keepRest, .postKeptInput])
        case .skipping, .closing, .lingering, .closed, .upgraded:
            return []
        }
    }

    /// The peer sends nothing more.
    ///
    /// - Parameter isError: the connection is broken.
    mutating func inputEnded(isError: Bool) -> Actions {
        isInputEnded = true
        if isError { return close() }
        switch phase {
        case .idle: return keptBytes == 0 ? closeWhenWritten() : []
        case .receiving: return keptBytes == 0 ? closeWhenWritten() : []
        case .handling: return truncateBody()
        case .streaming: return close()
        case .skipping: return closeWhenWritten()
        case .lingering: return unwrittenBytes == 0 ? close() : []
        case .closing, .closed, .upgraded: return []
        }
    }

    /// The rest of a request's body will not come.
    private mutating func truncateBody() -> Actions {
        guard !request.isComplete else { return [] }
        request.mustClose = true
        return .truncateBody
    }

    // MARK: - Kept input

    /// Takes up what came while something else had to be done first.
    mutating func resumeInput() -> Actions {
        guard phase == .idle || phase == .receiving else { return [] }
        guard keptBytes > 0 else { return inputResumed() }
        return isBehind ? [] : .parseKeptInput
    }

    /// The kept input goes to the parser.
    mutating func keptInputTaken() { keptBytes = 0 }

    /// The kept input was parsed, as far as possible.
    mutating func keptInputParsed() -> Actions {
        guard keptBytes == 0 else { return [] }
        switch phase {
        case .idle, .receiving: return inputResumed()
        case .handling: return isInputEnded ? truncateBody() : []
        case .skipping: return isInputEnded ? closeWhenWritten() : []
        case .streaming, .closing, .lingering, .closed, .upgraded: return []
        }
    }

    private mutating func inputResumed() -> Actions {
        isInputEnded ? closeWhenWritten() : resumeReading()
    }

    /// The handler's body source holds as much as it may, or takes nothing more.
    mutating func pauseReading() -> Actions {
        guard !isReadingPaused, !isTerminal else { return [] }
        isReadingPaused = true
        return .pauseReading
    }

    private mutating func resumeReading() -> Actions {
        guard isReadingPaused, !isTerminal else { return [] }
        isReadingPaused = false
        return .resumeReading
    }

    private var isTerminal: Bool { phase == .closed || phase == .upgraded }

    /// The handler waits for more of the body.
    mutating func bodyWanted() -> Actions {
        guard phase == .handling || phase == .streaming, !request.isComplete else { return [] }
        var actions: Actions = []
        // Once the head of the response is written, an interim response would be taken for its body.
        if request.awaitsContinue, phase == .handling { actions = [.sendContinue, .flush] }
        if phase == .handling { request.awaitsContinue = false }
        actions.formUnion(resumeReading())
        return actions.isEmpty ? [] : actions.union(restartBodyTimer())
    }
}

// MARK: - Responses

extension HTTPConnectionStateMachine {
    /// The head of a response whose length is known is about to be written.
    ///
    /// - Returns: whether another request may follow, which the head says.
    mutating func beginResponse() -> Bool {
        request.hasResponse = false
        if phase == .receiving { phase = .handling }
        decideKeepAlive()
        return keepsAlive
    }

    /// Another request can follow if all of this one was read, or what is left is known and small.
    private mutating func decideKeepAlive() {
        if request.mustClose || isDraining { keepsAlive = false }
        guard keepsAlive, !request.isComplete else { return }
        let left = request.head.contentLength.map { $0 - min($0, UInt64(request.bodyBytes)) } ?? .max
        // A client that waits for 100 Continue may send the body or not: no one can tell what comes next.
        if request.awaitsContinue || left > UInt64(limits.drainedBodyBytes) { keepsAlive = false }
    }

    /// The head of a streamed response is about to be written.
    ///
    /// - Parameter hasLength: the length of its body is known.
    mutating func beginStream(hasLength: Bool) -> StreamStart {
        // A client that ends its input ends a stream, too: nothing else would show that it has gone.
        guard !isInputEnded else {
            let actions = closeWhenWritten()
            // To be closed at once fails the body, too.
            return .abandon(request.isStreamed && phase != .closed ? actions.union(.cancelBody) : actions)
        }
        let isUntilClose = request.head.isHTTP10 && !hasLength
        if isUntilClose { keepsAlive = false }
        decideKeepAlive()
        let framing: StreamStart.Framing = hasLength ? .length : isUntilClose ? .untilClose : .chunked
        return .write(framing, hasBody: !request.head.isHEAD)
    }

    /// The head of a streamed response was collected.
    mutating func streamBegan() -> Actions {
        phase = .streaming
        // From here on the timer watches the client's reading; the body is waited for as long as the handler does.
        let timer = unwrittenBytes > 0 ? arm(.write) : clearTimer()
        return timer.union(scheduleFlush())
    }

    /// Some of a streamed body was handed to the stream.
    ///
    /// - Parameter unwritten: bytes that the stream has not handed to the system yet.
    mutating func streamWritten(unwritten: Int) -> Actions {
        updateOutput(collected: 0, unwritten: unwritten)
        return unwritten > 0 && timer == .none ? arm(.write) : []
    }

    /// A response is complete in the collected output.
    mutating func responseEnded() -> Actions {
        guard hasRequest else { return [] }
        let body: Actions = request.isStreamed ? .cancelBody : []
        guard keepsAlive else {
            mayCloseAtOnce = request.isComplete && keptBytes == 0 && !isReadingPaused && !request.mustClose
            return body.union(beginClosing())
        }
        if request.isComplete { return body.union(endRequest()) }
        phase = .skipping
        return body.union(.flush).union(resumeReading()).union(restartBodyTimer())
    }

    /// A streamed body cannot be completed, and its client has to see that.
    mutating func streamBroken() -> Actions { close().union(.flush) }

    /// The request is read and its response complete.
    private mutating func endRequest() -> Actions {
        phase = .idle
        guard !isParsing else { return .forgetRequest }
        let ended = waitForRequest().union(.forgetRequest)
        if keptBytes == 0 { return ended.union(.flush).union(isInputEnded ? [] : resumeReading()) }
        return ended.union(isBehind ? scheduleFlush() : .parseKeptInput)
    }

    /// The handler's response was that another protocol takes the stream over.
    mutating func upgradeAccepted() -> Actions {
        // What the client sent ahead goes with the stream: not before this read has been parsed.
        guard isParsing else { return upgrade() }
        isUpgradePending = true
        return []
    }

    private mutating func upgrade() -> Actions {
        guard !isInputEnded, request.isComplete else { return closeWhenWritten() }
        phase = .upgraded
        keptBytes = 0
        return clearTimer().union(.upgrade)
    }
}

// MARK: - Output

extension HTTPConnectionStateMachine {
    /// The collected output was handed to the stream.
    ///
    /// - Parameter unwritten: bytes that the stream has not handed to the system yet.
    /// - Returns: never another `flush`.
    mutating func flushed(unwritten: Int) -> Actions {
        updateOutput(collected: 0, unwritten: unwritten)
        switch phase {
        case .idle: return isInputEnded && keptBytes == 0 ? endOutput() : waitForRequest()
        case .receiving: return unwritten > 0 ? waitForWriting() : []
        case .streaming: return unwritten > 0 && timer == .none ? arm(.write) : []
        case .closing: return endOutput()
        case .handling, .skipping, .lingering, .closed, .upgraded: return []
        }
    }

    /// The stream has the connection's last bytes.
    private mutating func endOutput() -> Actions {
        if unwrittenBytes == 0, mayCloseAtOnce || isInputEnded { return close() }
        phase = .lingering
        return arm(unwrittenBytes > 0 ? .write : .peerEnd).union(resumeReading()).union(.shutdownWrite)
    }

    /// Writes soon: a response to a request that was sent ahead may join in.
    private mutating func scheduleFlush() -> Actions {
        if collectedBytes >= Self.maxCollectedOutput { return .flush }
        guard collectedBytes > 0, !isFlushScheduled else { return [] }
        isFlushScheduled = true
        return .scheduleFlush
    }

    /// The next round of the loop after `scheduleFlush`.
    mutating func scheduledFlushDue() -> Actions {
        isFlushScheduled = false
        return collectedBytes > 0 && !isTerminal ? .flush : []
    }

    /// Everything that was written has gone to the system.
    mutating func drained() -> Actions {
        unwrittenBytes = 0
        switch phase {
        case .idle: return waitForRequest().union(resumeInput())
        case .receiving: return resumeInput()
        case .lingering: return isInputEnded ? close() : arm(.peerEnd)
        case .handling, .streaming, .skipping, .closing, .closed, .upgraded: return []
        }
    }

    // MARK: - End

    /// The server is shutting down: finishes the request in progress and takes no further one.
    mutating func drain() -> Actions {
        isDraining = true
        keepsAlive = false
        switch phase {
        case .idle:
            if !isInsideMessage { return closeWhenWritten() }
            return unwrittenBytes > 0 ? arm(.write) : []
        case .streaming:
            // A timer that compares with bytes acknowledged before would be met by the next ones.
            return (unwrittenBytes > 0 ? arm(.write) : clearTimer()).union(.notifyShutdown)
        case .lingering: return unwrittenBytes > 0 ? arm(.write) : []
        case .receiving, .handling, .skipping, .closing, .closed, .upgraded: return []
        }
    }

    /// Closes at once. A handler at work goes on without a reader, except one that is writing its response.
    mutating func close() -> Actions {
        guard !isTerminal else { return [] }
        phase = .closed
        timer = .none
        keptBytes = 0
        return .close
    }

    private mutating func closeWhenWritten() -> Actions {
        guard unwrittenBytes == 0, collectedBytes == 0 else {
            mayCloseAtOnce = false
            return beginClosing()
        }
        return close()
    }

    /// Closes for writing and reads on: closing with unread input would reset the connection, and the client might not
    /// get the response. Bounded by time alone, since a gateway reads no response before it has sent the whole of a body.
    private mutating func beginClosing() -> Actions {
        phase = .closing
        keptBytes = 0
        return [.dropKeptInput, .flush]
    }
}

// MARK: - Timers

extension HTTPConnectionStateMachine {
    private mutating func arm(_ timer: Timer) -> Actions {
        self.timer = timer
        return .updateTimer
    }

    private mutating func clearTimer() -> Actions {
        guard timer != .none else { return [] }
        timer = .none
        return .updateTimer
    }

    /// Between requests, or at the start of one whose head is not complete.
    private mutating func waitForRequest() -> Actions {
        if unwrittenBytes > 0 { return waitForWriting() }
        // From the first byte on (of a connection: from its opening); more bytes do not extend it, or a client could
        // send one now and then for ever.
        if timer == .head { return [] }
        if isInsideMessage { return arm(.head) }
        return timer == .idle ? [] : arm(.idle)
    }

    private mutating func waitForWriting() -> Actions { timer == .write ? [] : arm(.write) }

    /// The timer was set for the peer's acknowledgements.
    ///
    /// - Parameter acknowledged: bytes that the peer's system has taken so far.
    mutating func writeTimerArmed(acknowledged: Int) { writeMark = acknowledged }

    /// More of a body came; only enough of it counts.
    private mutating func bodyProgressed() -> Actions {
        guard phase != .streaming, !request.isComplete else { return [] }
        let received = request.bodyBytes + request.skippedBytes
        guard timer != .body || received - bodyMark >= limits.bodyProgressBytes else { return [] }
        return restartBodyTimer()
    }

    private mutating func restartBodyTimer() -> Actions {
        guard phase != .streaming else { return [] }
        bodyMark = request.bodyBytes + request.skippedBytes
        return arm(.body)
    }

    /// The timer's time is over.
    ///
    /// - Parameter acknowledged: bytes that the peer's system has taken so far; looked at for `Timer.write` alone.
    mutating func timerFired(acknowledged: Int) -> Actions {
        let fired = timer
        let hasProgressed = fired != .write || acknowledged > writeMark
        timer = .none
        switch phase {
        case .idle, .receiving:
            // A body that is late stays late while responses are unread: else one byte in time would extend both waits.
            if unwrittenBytes > 0, phase == .idle || fired == .write { return hasProgressed ? arm(.write) : close() }
            guard phase == .receiving || isInsideMessage else { return closeWhenWritten() }
            beginRefusal()
            return .refuseTimedOut
        case .handling:
            // While nothing is read, because the handler is behind, the client is not to blame.
            guard !request.isComplete, !isReadingPaused, !request.awaitsContinue else { return [] }
            request.mustClose = true
            return .timeOutBody
        case .streaming:
            guard unwrittenBytes > 0 else { return [] }
            return hasProgressed ? arm(.write) : close()
        case .skipping: return closeWhenWritten()
        case .lingering: return unwrittenBytes > 0 && hasProgressed ? arm(.write) : close()
        case .closing, .closed, .upgraded: return []
        }
    }
}
