import HTTPCore
import UVLoop

/// One timer a connection, whatever it waits for.
extension HTTPConnection {
    func setDeadline(after milliseconds: UInt64) {
        deadline = loop.nowMilliseconds + milliseconds
        guard deadline < timerDue else { return }
        startTimer(milliseconds)
    }

    func clearDeadline() {
        deadline = .max
    }

    private func startTimer(_ milliseconds: UInt64) {
        if timer == nil { timer = loop.makeTimer { [unowned self] in timerFired() } }
        timerDue = loop.nowMilliseconds + milliseconds
        timer?.start(after: .milliseconds(milliseconds))
    }

    private func timerFired() {
        timerDue = .max
        let now = loop.nowMilliseconds
        if deadline == .max { return }
        if deadline > now { return startTimer(deadline - now) }
        deadline = .max
        timedOut()
    }

    /// Between requests, or at the start of one whose head is not complete.
    func waitForRequest() {
        if stream.pendingWriteBytes > 0 { return waitForWriting() }
        guard parser.isInsideMessage else {
            isHeadDeadline = false
            return setDeadline(after: shared.timeouts.idle)
        }
        // From the first byte on; more bytes do not extend it, or a client could drip for ever.
        guard !isHeadDeadline else { return }
        isHeadDeadline = true
        setDeadline(after: shared.timeouts.head)
    }

    func waitForWriting() {
        progressMark = stream.takenBytes
        setDeadline(after: writeTimeout)
    }

    private var writeTimeout: UInt64 { server.isDraining ? shared.timeouts.drain : shared.timeouts.write }

    /// After our last answer: until it is written, then for the peer's end.
    func waitForPeer() {
        guard stream.pendingWriteBytes == 0 else { return waitForWriting() }
        setDeadline(after: shared.timeouts.coalescingDelay)
    }

    /// More of a body came; only enough of it counts.
    func bodyProgressed() {
        guard hasExchange, !exchange.isComplete else { return }
        let received = exchange.bodyBytes + skippedBytes
        let hasDeadline = deadline != .max && isBodyDeadline
        guard !hasDeadline || received - progressMark >= shared.configuration.bodyProgressBytes else { return }
        restartBodyDeadline()
    }

    func restartBodyDeadline() {
        isBodyDeadline = true
        progressMark = exchange.bodyBytes + skippedBytes
        setDeadline(after: shared.timeouts.body)
    }

    private func timedOut() {
        switch phase {
        case .closed: break
        case .lingering: if stream.pendingWriteBytes == 0 || !writeProgressed() { close() }
        case .skipping: close()
        case .streaming: if stream.pendingWriteBytes > 0, !writeProgressed() { close() }
        case .handling: bodyTimedOut()
        case .reading: readingTimedOut()
        }
    }

    private func bodyTimedOut() {
        // While we do not read, because the handler is behind, the client is not to blame.
        guard !exchange.isComplete, !isReadingStopped, !exchange.expectsContinue else { return }
        exchange.mustClose = true
        exchange.source?.fail(.timedOut)
    }

    private func readingTimedOut() {
        if stream.pendingWriteBytes > 0 {
            if !writeProgressed() { close() }
        } else if hasExchange || parser.isInsideMessage {
            beginRefusal(.error(408, "request timed out"))
            answerNow()
        } else {
            closeWhenWritten()
        }
    }

    private func writeProgressed() -> Bool {
        let taken = stream.takenBytes
        guard taken > progressMark else { return false }
        progressMark = taken
        setDeadline(after: writeTimeout)
        return true
    }
}
