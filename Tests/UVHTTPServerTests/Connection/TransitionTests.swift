import Testing

@testable import UVHTTPServer

/// What the connection's state machine does in each state with each event that may come at any time.
@Suite struct TransitionTests {
    enum State: CaseIterable {
        case new, idle, insideHead, receiving, handling, handlingBody, streaming, streamingBody, skipping, lingering
        case closed, upgraded
    }

    enum Event: CaseIterable {
        case end, error, timer, shutdown, abort
    }

    /// A connection that was brought into a state by events alone.
    private func connection(_ state: State) -> SimulatedConnection {
        let connection = SimulatedConnection()
        let get: [SimulatedConnection.Token] = [.head(.get), .endOfMessage]
        switch state {
        case .new: break
        case .idle:
            connection.receive(get)
            connection.respond()
        case .insideHead: connection.receive([.partOfHead])
        case .receiving: connection.receive([.head(.post(20)), .body(10)])
        case .handling: connection.receive(get)
        case .handlingBody: connection.receive([.head(.post(20, streams: true)), .body(10)])
        case .streaming:
            connection.receive(get)
            connection.beginStream()
            connection.runFlush()
        case .streamingBody:
            connection.receive([.head(.post(20, streams: true)), .body(10)])
            connection.beginStream()
            connection.runFlush()
        case .skipping:
            connection.receive([.head(.post(20, streams: true)), .body(10)])
            connection.respond()
        case .lingering: connection.receive([.garbage])
        case .closed: connection.end()
        case .upgraded:
            connection.receive(get)
            connection.upgrade()
        }
        return connection
    }

    private func apply(_ event: Event, _ connection: SimulatedConnection) {
        switch event {
        case .end: connection.end()
        case .error: connection.end(isError: true)
        case .timer: connection.fireTimer()
        case .shutdown: connection.drain()
        case .abort: connection.abort()
        }
    }

    struct Row {
        let state: State
        let event: Event
        let phase: HTTPConnectionStateMachine.Phase
        var actions: HTTPConnectionStateMachine.Actions = []
        var timer = HTTPConnectionStateMachine.Timer.none

        init(
            _ state: State, _ event: Event, _ phase: HTTPConnectionStateMachine.Phase,
            _ actions: HTTPConnectionStateMachine.Actions = [], _ timer: HTTPConnectionStateMachine.Timer = .none
        ) {
            (self.state, self.event, self.phase, self.actions, self.timer) = (state, event, phase, actions, timer)
        }
    }

    /// The state and what was asked for in the end; of a refusal, which is a transition of its own, its consequences.
    static let rows: [Row] = [
        Row(.new, .end, .closed, .close), Row(.new, .timer, .closed, .close), Row(.new, .shutdown, .closed, .close),
        Row(.idle, .end, .closed, .close), Row(.idle, .timer, .closed, .close),
        Row(.idle, .shutdown, .closed, .close),
        Row(.insideHead, .end, .closed, .close),
        Row(
            .insideHead, .timer, .lingering,
            [.dropKeptInput, .flush, .shutdownWrite, .updateTimer], .peerEnd),
        Row(.insideHead, .shutdown, .idle, [], .head),
        Row(.receiving, .end, .closed, .close),
        Row(
            .receiving, .timer, .lingering,
            [.dropKeptInput, .flush, .shutdownWrite, .updateTimer], .peerEnd),
        Row(.receiving, .shutdown, .receiving, [], .body),
        Row(.handling, .end, .handling), Row(.handling, .timer, .handling), Row(.handling, .shutdown, .handling),
        Row(.handlingBody, .end, .handling, .truncateBody, .body),
        Row(.handlingBody, .timer, .handling, .timeOutBody),
        Row(.handlingBody, .shutdown, .handling, [], .body),
        Row(.streaming, .end, .closed, .close), Row(.streaming, .timer, .streaming),
        Row(.streaming, .shutdown, .streaming, .notifyShutdown),
        Row(.streamingBody, .end, .closed, .close), Row(.streamingBody, .timer, .streaming),
        Row(.streamingBody, .shutdown, .streaming, .notifyShutdown),
        Row(.skipping, .end, .closed, .close), Row(.skipping, .timer, .closed, .close),
        Row(.skipping, .shutdown, .skipping, [], .body),
        Row(.lingering, .end, .closed, .close), Row(.lingering, .timer, .closed, .close),
        Row(.lingering, .shutdown, .lingering, [], .peerEnd),
        Row(.closed, .end, .closed), Row(.closed, .timer, .closed), Row(.closed, .shutdown, .closed),
        Row(.closed, .error, .closed), Row(.closed, .abort, .closed),
        Row(.upgraded, .end, .upgraded), Row(.upgraded, .timer, .upgraded), Row(.upgraded, .shutdown, .upgraded),
        Row(.upgraded, .error, .upgraded), Row(.upgraded, .abort, .upgraded),
    ]

    @Test(arguments: rows) func event(_ row: Row) {
        let connection = connection(row.state)
        let before = connection.performed.count
        apply(row.event, connection)
        let actions = connection.performed.dropFirst(before).last ?? []
        let name = "\(row.event) when \(row.state)"
        #expect(connection.machine.phase == row.phase, "\(name)")
        #expect(actions == row.actions, "\(name)")
        #expect(connection.machine.timer == row.timer, "\(name)")
    }

    @Test(arguments: State.allCases, [Event.error, .abort]) func everyStateEndsAtOnce(_ state: State, _ event: Event) {
        let connection = connection(state)
        apply(event, connection)
        #expect(connection.isOver)
        for later in Event.allCases { apply(later, connection) }
        connection.receive([.head(.get), .endOfMessage])
        connection.respond()
        #expect(connection.responded.count <= 1)
    }

    @Test func everyStateHasEveryEvent() {
        for state in State.allCases {
            for event in Event.allCases where event != .error && event != .abort {
                #expect(Self.rows.contains { $0.state == state && $0.event == event }, "\(event) when \(state)")
            }
        }
    }
}
