import Testing

@testable import UVHTTPServer

/// What the shell around `HTTPConnectionStateMachine` does, without a socket, a parser or a task: it performs the actions
/// on counters, and checks with each of them what must never happen.
final class SimulatedConnection {
    typealias Machine = HTTPConnectionStateMachine

    /// A piece of input as the parser sees it; each counts as `size` bytes.
    enum Token {
        case emptyLine
        case partOfHead
        case head(Machine.RequestHead)
        case body(Int)
        case endOfMessage
        case garbage

        var size: Int { if case .body(let count) = self { count } else { 40 } }
    }

    enum Handler {
        case none, running, streaming
    }

    var machine = Machine(limits: .init(bufferedBodyBytes: 1000, drainedBodyBytes: 1000, bodyProgressBytes: 100))
    /// Every action that was performed, in order.
    private(set) var performed: [Machine.Actions] = []
    private(set) var handler = Handler.none
    private(set) var isReading = true
    private(set) var isShut = false
    private(set) var isClosed = false
    private(set) var isEnded = false
    private(set) var isUpgraded = false
    private(set) var isFlushScheduled = false
    private(set) var isKeptInputPosted = false
    private(set) var isInsideMessage = false
    private(set) var collected = 0
    private(set) var unwritten = 0
    private(set) var kept: [Token] = []
    /// Numbers of the requests whose responses are complete, in the order in which these were written.
    private(set) var responded: [UInt64] = []
    private(set) var continues = 0
    private(set) var bodyEnds: [Machine.Actions] = []
    /// What the system takes of each write at once.
    var takesAtOnce = Int.max
    /// The handlers' response, where they give it before they wait for anything.
    var immediateResponse: Int?
    /// Bytes that a handler's body source takes before it is full.
    var sourceRoom = Int.max
    private var isHandlerStreamed = false

    var isOver: Bool { isClosed || isUpgraded }
    private var keptBytes: Int { kept.reduce(0) { $0 + $1.size } }

    init() { perform(machine.opened()) }

    // MARK: - Events

    func receive(_ tokens: [Token]) {
        update()
        switch machine.received(tokens.reduce(0) { $0 + $1.size }) {
        case .parse: parse(tokens)
        case .keep(let actions):
            kept += tokens
            perform(actions)
        case .ignore: break
        }
    }

    func end(isError: Bool = false) { perform(machine.inputEnded(isError: isError)) }

    /// The peer's end, which comes once.
    func endOnce(isError: Bool) {
        isEnded = true
        end(isError: isError)
    }

    func fireTimer(acknowledged: Int = 0) {
        update()
        perform(machine.timerFired(acknowledged: acknowledged))
    }

    func drain() {
        update()
        perform(machine.drain())
    }

    func abort() { perform(machine.close()) }

    /// The system takes some of what was written.
    func systemTakes(_ count: Int) {
        guard unwritten > 0 else { return }
        unwritten = max(0, unwritten - count)
        guard unwritten == 0, !isOver else { return }
        update()
        perform(machine.drained())
    }

    func runFlush() {
        isFlushScheduled = false
        update()
        perform(machine.scheduledFlushDue())
    }

    func runKeptInput() {
        isKeptInputPosted = false
        update()
        perform(machine.resumeInput())
    }

    func wantBody() { perform(machine.bodyWanted()) }

    func respond(_ size: Int = 100) {
        guard machine.awaitsResponse(of: machine.requestNumber) else { return handler = .none }
        writeResponse(size)
    }

    func beginStream(hasLength: Bool = false) {
        guard machine.awaitsResponse(of: machine.requestNumber) else { return handler = .none }
        switch machine.beginStream(hasLength: hasLength) {
        case .abandon(let actions):
            handler = .none
            perform(actions)
        case .write(_, let hasBody):
            collect(80)
            update()
            guard hasBody else { return endResponse() }
            handler = .streaming
            perform(machine.streamBegan())
        }
    }

    func writeStream(_ size: Int) {
        guard machine.phase == .streaming else { return }
        collect(size)
        write()
        perform(machine.streamWritten(unwritten: unwritten))
    }

    func endStream() {
        guard machine.phase == .streaming else { return handler = .none }
        collect(5)
        endResponse()
    }

    func breakStream() {
        handler = .none
        perform(machine.streamBroken())
    }

    func upgrade() {
        guard machine.awaitsResponse(of: machine.requestNumber) else { return handler = .none }
        handler = .none
        perform(machine.upgradeAccepted())
    }

    // MARK: - The shell

    private func update() { machine.updateOutput(collected: collected, unwritten: unwritten) }

    private func parse(_ tokens: [Token]) {
        var rest = tokens[...]
        machine.parsingBegan()
        while !rest.isEmpty {
            let before = rest.count
            consume(&rest)
            #expect(rest.count < before)
            guard machine.canParse else { break }
        }
        let actions = machine.parsingEnded(
            rest: rest.reduce(0) { $0 + $1.size }, isInsideMessage: isInsideMessage)
        if actions.contains(.keepRest) { kept += rest }
        perform(actions)
    }

    /// What the parser does with the tokens, until they or a message end.
    private func consume(_ rest: inout ArraySlice<Token>) {
        while let token = rest.popFirst() {
            switch token {
            case .emptyLine: break
            case .partOfHead: isInsideMessage = true
            case .head(let head):
                isInsideMessage = true
                machine.headReceived(head)
            case .body(let count): take(count)
            case .endOfMessage:
                isInsideMessage = false
                return perform(machine.requestCompleted())
            case .garbage:
                rest = []
                return perform(machine.parsingFailed())
            }
        }
        perform(machine.inputConsumed())
    }

    private func take(_ count: Int) {
        switch machine.bodyReceived(count) {
        case .push:
            #expect(isHandlerStreamed)
            if count >= sourceRoom { perform(machine.pauseReading()) }
        case .failTooLarge: perform(machine.pauseReading())
        case .buffer, .discard, .refuseTooLarge: break
        }
    }

    func perform(_ asked: Machine.Actions) {
        if asked.isEmpty { return }
        #expect(!isOver, "an action after the end: \(asked)")
        var actions = asked
        let ends = actions.intersection(.endsOfBody)
        if !ends.isEmpty { bodyEnds.append(ends) }
        if actions.contains(.dropKeptInput) { kept = [] }
        if actions.contains(.sendContinue) {
            #expect(machine.phase == .handling, "100 Continue within a response")
            continues += 1
            collect(25)
        }
        if actions.contains(.flush) {
            write()
            let next = machine.flushed(unwritten: unwritten)
            #expect(!next.contains(.flush))
            actions.formUnion(next)
        }
        performed.append(actions)
        if actions.contains(.scheduleFlush) { isFlushScheduled = true }
        if actions.contains(.shutdownWrite) {
            #expect(!isShut)
            isShut = true
        }
        if actions.contains(.pauseReading) {
            #expect(isReading)
            isReading = false
        }
        if actions.contains(.resumeReading) {
            #expect(!isReading)
            isReading = true
        }
        if actions.contains(.updateTimer), machine.timer == .write { machine.writeTimerArmed(acknowledged: 0) }
        if actions.contains(.postKeptInput) { isKeptInputPosted = true }
        performCallback(actions.intersection(.callbacks))
    }

    private func performCallback(_ action: Machine.Actions) {
        switch action {
        case []: break
        case .startHandler: start(isStreamed: false)
        case .startStreamedHandler: start(isStreamed: true)
        case .parseKeptInput:
            let tokens = kept
            kept = []
            machine.keptInputTaken()
            parse(tokens)
            perform(machine.keptInputParsed())
        case .respond, .refuseMalformed, .refuseTimedOut: writeResponse(200)
        case .notifyShutdown: break
        case .upgrade: isUpgraded = true
        case .close:
            isClosed = true
            if handler == .streaming { handler = .none }
        default: Issue.record("more than one callback: \(action)")
        }
    }

    private func start(isStreamed: Bool) {
        #expect(handler == .none || isOver, "two handlers at once")
        handler = .running
        isHandlerStreamed = isStreamed
        if let size = immediateResponse { respond(size) }
    }

    private func writeResponse(_ size: Int) {
        _ = machine.beginResponse()
        collect(size)
        endResponse()
    }

    private func endResponse() {
        #expect(responded.last ?? 0 < machine.requestNumber, "two responses, or out of order")
        responded.append(machine.requestNumber)
        handler = .none
        update()
        perform(machine.responseEnded())
    }

    private func collect(_ size: Int) {
        #expect(!isShut && !isOver, "output after the end")
        collected += size
    }

    private func write() {
        guard collected > 0 else { return }
        #expect(!isShut, "output after the end")
        if unwritten > 0 { unwritten += collected } else { unwritten = max(0, collected - takesAtOnce) }
        collected = 0
    }
}

extension HTTPConnectionStateMachine.RequestHead {
    static let get = Self(maxBodyBytes: 10_000)
    static func post(_ length: UInt64?, streams: Bool = false, continues: Bool = false) -> Self {
        Self(expectsContinue: continues, streamsBody: streams, contentLength: length, maxBodyBytes: 10_000)
    }
}
