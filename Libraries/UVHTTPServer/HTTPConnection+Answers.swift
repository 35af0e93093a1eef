import Concurrency
import HTTPCore
import Observability
import UVLoop

/// From a response to the bytes of its answer, and on to the next request.
extension HTTPConnection {
    /// Takes the response of a handler. Runs in the handler's task, on the loop.
    func deliver(_ response: Response, _ number: UInt64, _ context: RequestContext) async {
        record(response.status, context)
        guard isCurrent(number) else { return }
        switch response.body {
        case .stream(let produce): await stream(response, length: nil, produce)
        case .sizedStream(let length, let produce): await stream(response, length: length, produce)
        case .detached(let take):
            guard let writer = beginStream(response, length: nil) else { return }
            exchange.isDetached = true
            task = nil
            take(writer)
            if server.isDraining { writer.onShutdown?() }
        case .upgrade(let take):
            // What the client sent ahead goes with the stream: not before this read has been parsed.
            exchange.upgrade = (response, take)
            if !isParsing { upgrade() }
        case .empty: answer(response, [])
        case .bytes(let bytes): answer(response, bytes)
        }
    }

    private func stream(
        _ response: Response, length: Int?, _ produce: @Sendable (ResponseWriter) async throws -> Void
    ) async {
        guard let writer = beginStream(response, length: length) else { return }
        do {
            try await produce(writer)
            if !writer.isClosed, let left = writer.left, left > 0 { throw ResponseWriter.WrongLength(left: left) }
            endStream(writer)
        } catch {
            breakStream(writer, error)
        }
    }

    /// Answers without a handler.
    func answerNow() {
        guard let response = exchange.answer else { return }
        var body: [UInt8] = []
        if case .bytes(let bytes) = response.body { body = bytes }
        exchange.answer = nil
        exchange.isDispatched = true
        if let context = exchange.context { record(response.status, context) }
        answer(response, body)
    }

    func isCurrent(_ number: UInt64) -> Bool {
        hasExchange && number == exchangeNumber && phase != .closed
    }

    private func answer(_ response: Response, _ body: [UInt8]) {
        let status = response.status.code
        let hasNoBody = status == 204 || status == 304 || status < 200
        appendHead(response, hasNoBody ? .none : .length(body.count))
        if !hasNoBody, exchange.head.method != .head { output.append(contentsOf: body) }
        if let object = response.retained { retained.append(object) }
        finishExchange()
    }

    private func appendHead(_ response: Response, _ framing: ResponseHeadExtras.Framing) {
        guard let context = exchange.context else { return }
        decideKeepAlive()
        let extras = ResponseHeadExtras(
            requestID: context.requestID, cors: exchange.fields.origin.map(shared.cors.headers),
            rateLimit: context.rateLimit.map { (shared.configuration.rateLimit, $0) }, isSecure: context.isSecure,
            keepAlive: keepAlive, isOld: exchange.head.minorVersion == 0, framing: framing)
        server.withDateField { ResponseHead.append(response, extras, date: $0, to: &output) }
    }

    /// Another request can follow if all of this one was read, or what is left is known and small.
    private func decideKeepAlive() {
        if exchange.mustClose || server.isDraining { keepAlive = false }
        guard keepAlive, !exchange.isComplete else { return }
        let left = exchange.head.contentLength.map { $0 - min($0, UInt64(exchange.bodyBytes)) } ?? .max
        // A client that waits for 100 Continue may send the body or not: no one can tell what comes next.
        if exchange.expectsContinue || left > UInt64(shared.configuration.drainedBodyBytes) { keepAlive = false }
    }

    /// Counts an answer, whether or not its client is still there to take it.
    private func record(_ status: HTTPStatus, _ context: RequestContext) {
        let elapsed = MonotonicClock.nanoseconds - context.startedAt
        context.metrics?.record(status: status.code, nanoseconds: elapsed)
        guard shared.logger.level <= .debug else { return }
        var metadata = context.metadata
        metadata[.method] = .string(exchange.head.method.rawValue)
        metadata[.path] = .string(RequestTarget.path(of: exchange.head.target))
        metadata[.status] = .int(status.code)
        metadata[.peer] = .string(context.clientIP)
        metadata[.durationMilliseconds] = .double(Double(elapsed) / 1e6)
        shared.logger.debug("request", metadata)
    }

    // MARK: - Going on

    /// The answer is in the buffer.
    func finishExchange() {
        task = nil
        exchange.source?.cancel()
        exchange.source = nil
        guard keepAlive else {
            flush()
            return endConnection()
        }
        if exchange.isComplete { return endExchange() }
        phase = .skipping
        flush()
        guard phase == .skipping else { return }
        resumeReading()
        restartBodyDeadline()
    }

    private func endConnection() {
        guard phase != .closed else { return }
        // Nothing unread can be lost: the request was read to its end and nothing followed it.
        if exchange.isComplete, pendingInput.isEmpty, stream.pendingWriteBytes == 0, !exchange.mustClose {
            return close()
        }
        beginLinger()
    }

    func endExchange() {
        hasExchange = false
        exchange = Exchange()
        phase = .reading
        guard !isParsing else { return }
        waitForRequest()
        if pendingInput.isEmpty {
            flush()
            if phase == .reading { resumeInput() }
        } else {
            resumeInput()
            scheduleFlush()
        }
    }

    /// Writes what was collected.
    func flush() {
        flushRounds = 0
        guard !output.isEmpty, phase != .closed else { return }
        stream.write(output)
        let isWorthKeeping = output.capacity <= Self.maxKeptOutput && phase != .streaming
        if isWorthKeeping { output.removeAll(keepingCapacity: true) } else { output = [] }
        if stream.pendingWriteBytes > 0, phase == .reading { waitForWriting() }
        releaseWritten()
    }

    private func releaseWritten() {
        if !retained.isEmpty, output.isEmpty, stream.pendingWriteBytes == 0 { retained = [] }
    }

    /// Writes soon: an answer to a request that was sent ahead may join in.
    func scheduleFlush() {
        guard !output.isEmpty, phase != .closed else { return }
        if output.count >= Self.maxCollectedOutput { return flush() }
        guard !isFlushScheduled else { return }
        isFlushScheduled = true
        loop.post { self.flushUnlessGrowing(since: self.output.count) }
    }

    private func flushUnlessGrowing(since count: Int) {
        isFlushScheduled = false
        let isGrowing = output.count > count && hasExchange
        guard isGrowing, flushRounds < Self.maxFlushRounds else { return flush() }
        flushRounds += 1
        scheduleFlush()
    }

    func drained() {
        releaseWritten()
        writer?.drainedNow()
        switch phase {
        case .lingering: if isInputEnded { close() } else { waitForPeer() }
        case .reading:
            if !hasExchange { waitForRequest() }
            resumeInput()
        default: break
        }
    }

    // MARK: - Streamed answers

    private func beginStream(_ response: Response, length: Int?) -> ResponseWriter? {
        guard !isInputEnded else {
            close()
            return nil
        }
        let isOld = exchange.head.minorVersion == 0
        if isOld, length == nil { keepAlive = false }
        appendHead(response, length.map { .length($0) } ?? (isOld ? .untilClose : .chunked))
        if exchange.head.method == .head {
            finishExchange()
            return nil
        }
        phase = .streaming
        if exchange.isComplete { clearDeadline() }
        let writer = ResponseWriter(
            connection: self, loop: loop, framing: length.map { .length($0) } ?? (isOld ? .untilClose : .chunked),
            highWater: shared.configuration.writeHighWater)
        self.writer = writer
        // The head waits for the first piece of the body, but not for long.
        scheduleFlush()
        return writer
    }

    /// Framed bytes of the body.
    func writeBody(_ bytes: [UInt8]) {
        guard phase == .streaming else { return }
        if output.isEmpty {
            stream.write(bytes)
        } else {
            output.append(contentsOf: bytes)
            flush()
        }
        if stream.pendingWriteBytes > 0, deadline == .max { waitForWriting() }
    }

    func endStream(_ writer: ResponseWriter) {
        guard writer === self.writer else { return }
        self.writer = nil
        writer.close()
        guard phase == .streaming else { return }
        if writer.framing == .chunked { output.append(contentsOf: Self.lastChunk) }
        phase = .handling
        finishExchange()
    }

    private static let lastChunk = Array("0\r\n\r\n".utf8)

    /// Without the last chunk the client sees that the body is not whole.
    func breakStream(_ writer: ResponseWriter, _ error: any Error) {
        guard writer === self.writer else { return }
        self.writer = nil
        writer.close()
        if let context = exchange.context {
            var metadata = context.metadata
            metadata[.error] = .error(error)
            shared.logger.warning("response broken off", metadata)
        }
        flush()
        close()
    }

    // MARK: - Other protocols

    /// Hands the connection over, where that was the answer.
    func upgrade() {
        guard let (response, take) = exchange.upgrade else { return }
        exchange.upgrade = nil
        guard !isInputEnded, exchange.isComplete, let context = exchange.context else {
            return close()
        }
        ResponseHead.appendSwitch(response, requestID: context.requestID, to: &output)
        flush()
        guard phase != .closed else { return }
        phase = .closed
        timer?.close()
        timer = nil
        task = nil
        stream.stopReading()
        stream.onRead = nil
        stream.onEnd = nil
        stream.onDrain = nil
        let ahead = pendingInput
        pendingInput = []
        take(stream, ahead)
        server.remove(self)
    }
}
