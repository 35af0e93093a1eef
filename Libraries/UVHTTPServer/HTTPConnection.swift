import Foundation
import HTTPCore
import UVLoop

/// One client's connection: reads requests one after another, has each answered, and keeps what the client sends ahead
/// until its turn comes.
///
/// `@unchecked Sendable`: confined to the stream's loop. The server keeps it alive until `close`.
final class HTTPConnection: @unchecked Sendable {
    enum Phase {
        /// Between requests, or within one that has no handler yet.
        case reading
        /// A handler is at work; its body may still be arriving.
        case handling
        /// A handler writes the answer's body.
        case streaming
        /// Answered; the rest of an unwanted body is read past.
        case skipping
        /// Closed for writing; waits for the peer to close as well, so that it gets to read our last answer.
        case lingering
        case closed
    }

    /// Input kept while a handler is busy, beyond which reading stops.
    static let maxPendingInput = 64 * 1024
    /// Output collected for pipelined requests before it is written, and what the peer has not taken of answers before it
    /// gets another one.
    static let maxCollectedOutput = 64 * 1024
    /// A larger buffer is not kept for the next answer: there may be many connections, and most are idle.
    static let maxKeptOutput = 4096
    /// Rounds of the loop that output may wait for a further pipelined answer.
    static let maxFlushRounds: UInt8 = 6

    let stream: TCPStream
    let server: LoopServer
    let loop: EventLoop
    let parser: HTTPParser
    var phase = Phase.reading
    var exchange = Exchange()
    /// Told apart by number: a handler may come back after its connection went on or closed.
    var exchangeNumber: UInt64 = 0
    /// A head was received and its exchange is not over.
    var hasExchange = false
    var keepAlive = true
    /// The peer sends nothing more.
    var isInputEnded = false
    /// Within `parse`, which goes on by itself when an exchange ends.
    var isParsing = false
    var pendingInput: [UInt8] = []
    var isReadingStopped = false
    var output: [UInt8] = []
    /// Of answers that are in `output` or still on their way.
    var retained: [any Sendable] = []
    var isFlushScheduled = false
    var flushRounds: UInt8 = 0
    var writer: ResponseWriter?
    var task: Task<Void, Never>?
    var skippedBytes = 0

    /// Milliseconds on the loop's clock; `.max` for none. The timer may fire earlier and is then set again: a deadline
    /// that moves away costs no call into libuv.
    var deadline = UInt64.max
    var timerDue = UInt64.max
    var timer: LoopTimer?
    /// What had arrived, or was waiting to go, when the deadline was set.
    var progressMark = 0
    var isHeadDeadline = false
    var isBodyDeadline = false

    /// The peer's address as text, made when first needed.
    lazy var peerIP = stream.remoteAddress?.ip ?? ""
    /// The address that the current request is charged to.
    var clientAddress: [UInt8] = []

    var shared: ServerShared { server.shared }
    var pendingBytes: Int { stream.pendingWriteBytes + output.count }

    init(_ stream: TCPStream, server: LoopServer) {
        self.stream = stream
        self.server = server
        loop = stream.loop
        parser = HTTPParser(.request, limits: server.shared.configuration.parser)
    }

    func start() {
        parser.delegate = self
        // The stream is ours and ends with us; `close` empties these callbacks.
        stream.onRead = { [unowned self] in received($0) }
        stream.onEnd = { [unowned self] in ended($0) }
        stream.onDrain = { [unowned self] in drained() }
        isHeadDeadline = true
        setDeadline(after: shared.timeouts.head)
        stream.startReading()
    }

    // MARK: - Input

    private func received(_ bytes: UnsafeBufferPointer<UInt8>) {
        switch phase {
        case .lingering, .closed:
            break
        case .reading:
            // Whoever leaves its answers lying gets no more before it has taken them.
            if pendingInput.isEmpty, !isBehind { parse(bytes) } else { keep(bytes) }
        case .skipping:
            if pendingInput.isEmpty { parse(bytes) } else { keep(bytes) }
        case .handling, .streaming:
            if exchange.isComplete { keep(bytes) } else { parse(bytes) }
        }
    }

    private func keep(_ bytes: UnsafeBufferPointer<UInt8>) {
        pendingInput.append(contentsOf: bytes)
        if pendingInput.count > Self.maxPendingInput { stopReading() }
    }

    /// Parses until the bytes end or a request is waiting for its answer.
    private func parse(_ bytes: UnsafeBufferPointer<UInt8>) {
        parseAll(bytes)
        upgrade()
    }

    private func parseAll(_ bytes: UnsafeBufferPointer<UInt8>) {
        var rest = bytes
        isParsing = true
        defer { isParsing = false }
        while !rest.isEmpty {
            switch parser.consume(rest) {
            case .needsMore:
                rest = UnsafeBufferPointer(rebasing: rest[rest.count...])
                continueExchange()
            case .completed(let consumed), .upgraded(let consumed):
                rest = UnsafeBufferPointer(rebasing: rest[consumed...])
                completeRequest()
            case .failed(let error):
                return inputFailed(error)
            }
            guard canParse else { break }
        }
        settle(rest)
    }

    private func settle(_ rest: UnsafeBufferPointer<UInt8>) {
        if phase == .handling || phase == .streaming {
            if !rest.isEmpty { keep(rest) }
            scheduleFlush()
        } else if phase == .reading {
            flush()
            if !hasExchange { waitForRequest() }
            if !rest.isEmpty, phase == .reading {
                keep(rest)
                loop.post { self.resumeInput() }
            }
        }
    }

    private var canParse: Bool {
        switch phase {
        // Answers may be made faster than they are taken: those that wait go first.
        case .reading: output.count < Self.maxCollectedOutput && !isBehind
        case .skipping: true
        case .handling, .streaming: !exchange.isComplete
        case .lingering, .closed: false
        }
    }

    /// Part of a request was read. Its head may have come, or more of its body.
    private func continueExchange() {
        guard hasExchange else { return }
        if exchange.answer != nil { return answerNow() }
        if !exchange.isDispatched {
            let wantsStream = exchange.expectsContinue || exchange.route?.options.streamsBody == true
            if wantsStream || exchange.buffered.count > shared.configuration.bufferedBodyBytes {
                return dispatchStreaming()
            }
        }
        bodyProgressed()
    }

    private func completeRequest() {
        guard hasExchange else { return }
        exchange.isComplete = true
        if phase == .skipping { return endExchange() }
        if exchange.answer != nil { return answerNow() }
        if let source = exchange.source {
            clearDeadline()
            if phase == .streaming, stream.pendingWriteBytes > 0 { waitForWriting() }
            source.finish()
        } else if !exchange.isDispatched {
            clearDeadline()
            dispatch(exchange.buffered.isEmpty ? .empty : .bytes(exchange.buffered))
        }
    }

    /// The peer's bytes are no request. What was asked before is answered first; this never follows an open answer.
    private func inputFailed(_ error: HTTPParseError) {
        keepAlive = false
        if hasExchange, exchange.isDispatched {
            // The body of a request whose handler is at work is broken.
            exchange.mustClose = true
            exchange.source?.fail(.truncated)
            return phase == .skipping ? beginLinger() : stopReading()
        }
        beginRefusal(RequestValidation.response(to: error))
        answerNow()
    }

    private func ended(_ error: TCPError?) {
        isInputEnded = true
        guard error == nil else { return close() }
        switch phase {
        case .reading where hasExchange: close()
        case .reading: if pendingInput.isEmpty { closeWhenWritten() }
        case .handling: if !exchange.isComplete { exchange.source?.fail(.truncated) }
        case .streaming: close()
        case .skipping: close()
        case .lingering: closeWhenWritten()
        case .closed: break
        }
    }

    func closeWhenWritten() {
        guard stream.pendingWriteBytes == 0, output.isEmpty else { return beginLinger() }
        close()
    }

    func stopReading() {
        guard !isReadingStopped else { return }
        isReadingStopped = true
        stream.stopReading()
    }

    func resumeReading() {
        guard isReadingStopped, phase != .closed else { return }
        isReadingStopped = false
        stream.startReading()
    }

    /// The exchange is over: takes up what the client sent meanwhile.
    func resumeInput() {
        guard phase == .reading else { return }
        if !pendingInput.isEmpty, !isBehind {
            let bytes = pendingInput
            pendingInput = []
            bytes.withUnsafeBufferPointer { parse($0) }
        }
        guard phase == .reading else { return }
        if pendingInput.isEmpty {
            resumeReading()
            if isInputEnded { closeWhenWritten() }
        }
    }

    /// Whether the peer leaves its answers lying.
    private var isBehind: Bool { stream.pendingWriteBytes >= Self.maxCollectedOutput }

    // MARK: - End

    /// Finishes what is under way and takes no further request.
    func drain() {
        keepAlive = false
        writer?.onShutdown?()
        if phase == .reading, !hasExchange, !parser.isInsideMessage { closeWhenWritten() }
        switch phase {
        case .streaming:
            // A deadline of bytes that were taken since would be met by the next ones.
            if stream.pendingWriteBytes > 0 { waitForWriting() } else if exchange.isComplete { clearDeadline() }
        case .lingering: if stream.pendingWriteBytes > 0 { waitForWriting() }
        case .reading: if stream.pendingWriteBytes > 0, !hasExchange { waitForWriting() }
        case .handling, .skipping, .closed: break
        }
    }

    /// Closes at once. A handler at work goes on without a reader, except one that is writing its answer.
    func close() {
        guard phase != .closed else { return }
        phase = .closed
        timer?.close()
        timer = nil
        stream.close()
        retained = []
        exchange.source?.fail(.truncated)
        if let writer {
            self.writer = nil
            writer.disconnected()
            task?.cancel()
        }
        task = nil
        exchange = Exchange()
        pendingInput = []
        server.remove(self)
    }

    /// Closes for writing and reads on: closing with unread input would reset the connection, and the client might lose
    /// the answer. Bounded by time alone, since a gateway reads no answer before it has sent the whole of a body.
    func beginLinger() {
        guard phase != .closed, phase != .lingering else { return }
        phase = .lingering
        pendingInput = []
        flush()
        guard phase == .lingering else { return }
        stream.shutdownWrite()
        if isInputEnded, stream.pendingWriteBytes == 0 { return close() }
        resumeReading()
        waitForPeer()
    }
}
