import Testing

@testable import UVHTTPServer

/// Clients that are slow, servers that stop, and streams that go to another protocol.
extension EventOrderTests {
    // MARK: - Back-pressure

    @Test func aClientThatLeavesItsResponsesUnreadIsReadNoFurther() {
        let connection = SimulatedConnection()
        connection.takesAtOnce = 0
        connection.immediateResponse = 70_000
        connection.receive(get)
        for _ in 0..<1000 { connection.receive(get) }
        #expect(connection.responded == [1] && !connection.isReading)
        connection.systemTakes(10_000)
        #expect(connection.responded == [1], "something is still unread")
        connection.systemTakes(.max)
        #expect(connection.responded == [1, 2])
        connection.takesAtOnce = .max
        connection.systemTakes(.max)
        while connection.isKeptInputPosted { connection.runKeptInput() }
        #expect(connection.responded.count == 1001 && connection.isReading)
    }

    @Test func readingStopsWhileTheHandlerIsBehind() {
        let connection = SimulatedConnection()
        connection.sourceRoom = 100
        connection.receive([.head(.post(5000, streams: true)), .body(10)])
        connection.receive([.body(200)])
        #expect(!connection.isReading)
        connection.fireTimer()
        #expect(connection.bodyEnds.isEmpty, "the client is not to blame")
        connection.wantBody()
        #expect(connection.isReading && connection.machine.timer == .body)
    }

    // MARK: - Timers

    /// From the first byte of its head on, also where that came with the request before it.
    @Test func theHeadBehindARequestHasItsTime() {
        let connection = SimulatedConnection()
        connection.immediateResponse = 100
        connection.receive(get + [.partOfHead])
        #expect(connection.machine.timer == .head)
        connection.receive(get + get + [.partOfHead])
        #expect(connection.machine.timer == .head)
    }

    @Test func moreOfAHeadDoesNotExtendItsTime() {
        let connection = SimulatedConnection()
        connection.receive([.partOfHead])
        let before = connection.performed.count
        connection.receive([.partOfHead])
        #expect(connection.performed.count == before && connection.machine.timer == .head)
    }

    @Test func emptyLinesExtendNothing() {
        let connection = SimulatedConnection()
        connection.receive([.emptyLine])
        #expect(connection.performed == [.updateTimer] && connection.machine.timer == .head)
        connection.receive(get)
        connection.respond()
        let before = connection.performed.count
        connection.receive([.emptyLine])
        #expect(connection.performed.count == before && connection.machine.timer == .idle)
    }

    @Test func aBodyMustProgress() {
        let connection = SimulatedConnection()
        connection.receive([.head(.post(5000, streams: true)), .body(10)])
        func restarts(_ bytes: Int) -> Bool {
            let before = connection.performed.count
            connection.receive([.body(bytes)])
            return connection.performed.count > before
        }
        #expect(!restarts(50) && restarts(50) && !restarts(99) && restarts(1))
    }

    @Test func theTimerOfOneRequestsBodyIsNotThatOfTheNext() {
        let connection = SimulatedConnection()
        connection.receive([.head(.post(500, streams: true)), .body(450)])
        connection.receive([.body(50), .endOfMessage])
        connection.respond()
        #expect(connection.machine.timer == .idle)
        connection.receive([.head(.post(500)), .body(10)])
        #expect(connection.machine.timer == .body)
    }

    /// Else one byte in time would extend both waits.
    @Test func aBodyThatIsLateStaysLateWhileResponsesAreUnread() {
        let connection = SimulatedConnection()
        connection.takesAtOnce = 10
        connection.receive(get)
        connection.respond(5000)
        connection.receive([.head(.post(500)), .body(10)])
        #expect(connection.machine.phase == .receiving && connection.machine.timer == .body)
        connection.fireTimer(acknowledged: 1)
        #expect(connection.responded == [1, 2] && connection.isShut, "it was told to have timed out")
    }

    @Test func theTimerOfABodyThatIsReadPastIsNotThatOfTheNextRequest() {
        let connection = SimulatedConnection()
        connection.receive([.head(.post(20, streams: true)), .body(10)])
        connection.respond()
        #expect(connection.machine.timer == .body)
        connection.receive([.body(10), .endOfMessage] + get)
        #expect(connection.machine.phase == .handling && connection.machine.timer == .none)
    }

    @Test func aSlowReaderThatReadsIsWaitedFor() {
        let connection = SimulatedConnection()
        connection.takesAtOnce = 10
        connection.receive(get)
        connection.respond(5000)
        #expect(connection.machine.timer == .write)
        for _ in 0..<10 {
            connection.fireTimer(acknowledged: 1)
            #expect(connection.machine.timer == .write)
        }
        connection.fireTimer(acknowledged: 0)
        #expect(connection.isClosed)
    }

    // MARK: - Shutdown

    @Test func shutdownFinishesTheRequestInProgress() {
        let connection = SimulatedConnection()
        connection.receive(get + get)
        connection.drain()
        connection.respond()
        #expect(connection.responded == [1] && connection.isOver || connection.machine.phase == .lingering)
    }

    @Test func shutdownEndsAConnectionWhoseBodyIsReadPast() {
        let connection = SimulatedConnection()
        connection.receive([.head(.post(20, streams: true)), .body(10)])
        connection.respond()
        connection.drain()
        connection.receive([.body(10), .endOfMessage] + get)
        #expect(connection.responded == [1] && connection.machine.phase == .lingering)
    }

    /// Closing at once would reset the connection, and the client might not get its response.
    @Test func whatWasNotReadIsReadBeforeTheConnectionCloses() {
        let connection = SimulatedConnection()
        connection.sourceRoom = 10
        connection.receive([.head(.post(nil, streams: true))])
        connection.receive([.body(10), .endOfMessage])
        #expect(!connection.isReading)
        connection.drain()
        connection.respond()
        #expect(connection.machine.phase == .lingering && connection.isReading)
    }

    @Test func shutdownComparesAcknowledgedBytesFromThenOn() {
        let connection = SimulatedConnection()
        connection.takesAtOnce = 10
        connection.receive(get)
        connection.beginStream()
        connection.writeStream(5000)
        let before = connection.performed.count
        connection.drain()
        #expect(connection.performed.dropFirst(before).last == [.updateTimer, .notifyShutdown])
        connection.fireTimer(acknowledged: 0)
        #expect(connection.isClosed)
    }

    // MARK: - Upgrades

    @Test func anUpgradeTakesWhatTheClientSentAhead() {
        let connection = SimulatedConnection()
        connection.receive(get)
        connection.receive([.body(10)])
        connection.upgrade()
        #expect(connection.isUpgraded && connection.kept.count == 1)
    }

    @Test func anUpgradeOfARequestWithoutItsEndCloses() {
        let connection = SimulatedConnection()
        connection.receive([.head(.post(20, streams: true)), .body(10)])
        connection.upgrade()
        #expect(connection.isClosed)
    }

    @Test func anAbandonedHandlersResponseIsDropped() {
        let connection = SimulatedConnection()
        connection.receive(get)
        connection.end(isError: true)
        #expect(connection.handler == .running)
        connection.respond()
        #expect(connection.handler == .none && connection.responded.isEmpty)
    }
}
