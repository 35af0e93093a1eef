import Foundation
import HTTPCore
import UVLoop

/// One client's connection: owns the stream, the parser and the handler's task, tells `HTTPConnectionStateMachine` what
/// happens to them, and performs the actions that it asks for. Loop thread only; the server keeps it alive until it is
/// closed.
final class HTTPConnection {
    /// A larger buffer is not kept for the next response: there may be many connections, and most are idle.
    private static let maxRetainedOutputCapacity = 4096

    let stream: TCPStream
    let server: LoopServer
    let loop: EventLoop
    let parser: HTTPParser
    var machine: HTTPConnectionStateMachine
    var exchange = Exchange()
    /// Received and not parsed yet.
    private var keptInput: [UInt8] = []
    /// Collected and not handed to the stream yet.
    var output: [UInt8] = []
    /// What responses that are in `output` or still on their way keep alive.
    var retained: [any Sendable] = []
    var writer: ResponseWriter?
    var task: Task<Void, Never>?

    /// Milliseconds on the loop's clock; `.max` for none. The timer may fire earlier and is then set again: a deadline
    /// that moves away costs no call into libuv.
    private var deadline = UInt64.max
    private var timerDue = UInt64.max
    private var timer: LoopTimer?

    /// The peer's address as text, made when first needed.
    lazy var peerIP = stream.remoteAddress?.ip ?? ""
    /// The address that the current request is charged to.
    var clientAddress: [UInt8] = []

    var shared: ServerShared { server.shared }
    /// Bytes that the system has not taken yet.
    var pendingBytes: Int { stream.pendingWriteBytes + output.count }

    init(_ stream: TCPStream, server: LoopServer) {
        self.stream = stream
        self.server = server
        loop = stream.loop
        parser = HTTPParser(.request, limits: server.shared.configuration.parser)
        machine = HTTPConnectionStateMachine(limits: server.shared.connectionLimits)
    }

    func start() {
        parser.delegate = self
        // The connection owns the stream, which drops these callbacks when it is closed.
        stream.onRead = { [unowned self] in received($0) }
        stream.onEnd = { [unowned self] in ended(isError: $0 != nil) }
        stream.onDrain = { [unowned self] in drained() }
        perform(machine.opened())
        stream.startReading()
    }

    /// The server is shutting down.
    func drain() {
        updateOutput()
        perform(machine.drain())
    }

    /// Closes at once. A handler at work goes on without a reader, except one that is writing its response.
    func close() { perform(machine.close()) }

    // MARK: - Input

    private func received(_ bytes: UnsafeBufferPointer<UInt8>) {
        updateOutput()
        switch machine.received(bytes.count) {
        case .parse: parse(bytes)
        case .keep(let actions):
            keptInput.append(contentsOf: bytes)
            perform(actions)
        case .ignore: break
        }
    }

    private func ended(isError: Bool) {
        updateOutput()
        perform(machine.inputEnded(isError: isError))
    }

    /// Parses until the bytes end or a request waits for its response.
    private func parse(_ bytes: UnsafeBufferPointer<UInt8>) {
        var rest = bytes
        machine.parsingBegan()
        while !rest.isEmpty {
            switch parser.consume(rest) {
            case .needsMore:
                rest = UnsafeBufferPointer(rebasing: rest[rest.count...])
                perform(machine.inputConsumed())
            case .completed(let consumed), .upgraded(let consumed):
                rest = UnsafeBufferPointer(rebasing: rest[consumed...])
                perform(machine.requestCompleted())
            case .failed(let error):
                rest = UnsafeBufferPointer(rebasing: rest[rest.count...])
                perform(machine.parsingFailed(), malformed: error)
            }
            guard machine.canParse else { break }
        }
        let actions = machine.parsingEnded(rest: rest.count, isInsideMessage: parser.isInsideMessage)
        if actions.contains(.keepRest) { keptInput.append(contentsOf: rest) }
        perform(actions)
    }

    private func resumeInput() {
        updateOutput()
        perform(machine.resumeInput())
    }

    private func parseKeptInput() {
        let bytes = keptInput
        keptInput = []
        machine.keptInputTaken()
        bytes.withUnsafeBufferPointer { parse($0) }
        perform(machine.keptInputParsed())
    }

    /// The body's reader waits for more.
    func bodyWanted() { perform(machine.bodyWanted()) }

    // MARK: - Actions

    /// Performs what an event asks for. Handlers and other callbacks come last: they may come back with the next event.
    ///
    /// - Parameter malformed: why the parser failed, where the event is that it did.
    func perform(_ asked: HTTPConnectionStateMachine.Actions, malformed: HTTPParseError? = nil) {
        if asked.isEmpty { return }
        var actions = asked
        if !actions.isDisjoint(with: .endsOfBody) { endBody(actions) }
        if actions.contains(.dropKeptInput) { keptInput = [] }
        if actions.contains(.forgetRequest) { exchange = Exchange() }
        if actions.contains(.sendContinue) { output.append(contentsOf: ResponseHead.continueLine) }
        if actions.contains(.flush) {
            flush()
            actions.formUnion(machine.flushed(unwritten: stream.pendingWriteBytes))
        }
        if actions.contains(.scheduleFlush) { loop.post { self.flushScheduled() } }
        if actions.contains(.shutdownWrite) { stream.shutdownWrite() }
        if actions.contains(.pauseReading) { stream.stopReading() }
        if actions.contains(.resumeReading) { stream.startReading() }
        if actions.contains(.updateTimer) { updateTimer() }
        if actions.contains(.postKeptInput) { loop.post { self.resumeInput() } }
        if !actions.isDisjoint(with: .callbacks) { performCallback(actions.intersection(.callbacks), malformed) }
    }

    private func endBody(_ actions: HTTPConnectionStateMachine.Actions) {
        if actions.contains(.finishBody) { exchange.source?.finish() }
        if actions.contains(.truncateBody) { exchange.source?.fail(.truncated) }
        if actions.contains(.timeOutBody) { exchange.source?.fail(.timedOut) }
        if actions.contains(.cancelBody) { exchange.source?.cancel() }
    }

    private func performCallback(_ action: HTTPConnectionStateMachine.Actions, _ malformed: HTTPParseError?) {
        switch action {
        case .startHandler: startHandler()
        case .startStreamedHandler: startStreamedHandler()
        case .parseKeptInput: parseKeptInput()
        case .respond: respond()
        case .refuseMalformed:
            refuseUnread(RequestValidation.response(to: malformed ?? HTTPParseError(.malformed, "")))
        case .refuseTimedOut: refuseUnread(.error(408, "request timed out"))
        case .notifyShutdown: writer?.onShutdown?()
        case .upgrade: upgrade()
        case .close: finishClosing()
        default: assertionFailure("more than one callback: \(action)")
        }
    }

    private func finishClosing() {
        timer?.close()
        timer = nil
        stream.close()
        retained = []
        exchange.source?.fail(.truncated)
        keptInput = []
        let task = task
        self.task = nil
        exchange = Exchange()
        server.remove(self)
        guard let writer else { return }
        self.writer = nil
        task?.cancel()
        writer.disconnected()
    }

    /// Hands the stream over to another protocol.
    private func upgrade() {
        guard let (response, take) = exchange.upgrade, let context = exchange.context else { return }
        exchange.upgrade = nil
        ResponseHead.appendSwitch(response, requestID: context.requestID, to: &output)
        flush()
        timer?.close()
        timer = nil
        task = nil
        stream.stopReading()
        stream.onRead = nil
        stream.onEnd = nil
        stream.onDrain = nil
        let ahead = keptInput
        keptInput = []
        server.remove(self)
        take(stream, ahead)
    }

    // MARK: - Output

    /// Tells the state machine how much output waits.
    func updateOutput() {
        machine.updateOutput(collected: output.count, unwritten: stream.pendingWriteBytes)
    }

    /// Hands the collected output to the stream.
    func flush() {
        guard !output.isEmpty else { return }
        stream.write(output)
        let isWorthKeeping = output.capacity <= Self.maxRetainedOutputCapacity && machine.phase != .streaming
        if isWorthKeeping { output.removeAll(keepingCapacity: true) } else { output = [] }
        releaseWritten()
    }

    private func flushScheduled() {
        updateOutput()
        perform(machine.scheduledFlushDue())
    }

    private func releaseWritten() {
        if !retained.isEmpty, output.isEmpty, stream.pendingWriteBytes == 0 { retained = [] }
    }

    private func drained() {
        releaseWritten()
        updateOutput()
        let writer = writer
        perform(machine.drained())
        writer?.drainedNow()
    }

    // MARK: - The timer

    private func updateTimer() {
        let timeouts = shared.timeouts
        switch machine.timer {
        case .none: deadline = .max
        case .head: setDeadline(after: timeouts.head)
        case .idle: setDeadline(after: timeouts.idle)
        case .body: setDeadline(after: timeouts.body)
        case .peerEnd: setDeadline(after: timeouts.linger)
        case .write:
            machine.writeTimerArmed(acknowledged: stream.takenBytes)
            setDeadline(after: machine.isDraining ? timeouts.drain : timeouts.write)
        }
    }

    private func setDeadline(after milliseconds: UInt64) {
        deadline = loop.nowMilliseconds + milliseconds
        guard deadline < timerDue else { return }
        startTimer(milliseconds)
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
        updateOutput()
        perform(machine.timerFired(acknowledged: machine.timer == .write ? stream.takenBytes : 0))
    }
}
