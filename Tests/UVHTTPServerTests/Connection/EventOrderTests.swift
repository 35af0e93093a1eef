import Testing

@testable import UVHTTPServer

/// Events in the orders that are easily forgotten.
@Suite struct EventOrderTests {
    private typealias Machine = HTTPConnectionStateMachine
    private let get: [SimulatedConnection.Token] = [.head(.get), .endOfMessage]

    // MARK: - Requests and responses

    @Test func pipelinedRequestsWaitForTheResponseBeforeThem() {
        let connection = SimulatedConnection()
        connection.receive(get + get + get)
        #expect(connection.kept.count == 4 && connection.responded.isEmpty)
        connection.receive(get)
        #expect(connection.kept.count == 6)
        for number in 1...4 as ClosedRange<UInt64> {
            #expect(connection.handler == .running && connection.machine.requestNumber == number)
            connection.respond()
        }
        #expect(connection.responded == [1, 2, 3, 4] && connection.machine.phase == .idle)
    }

    @Test func handlersThatNeedNotWaitRespondWithinOneRead() {
        let connection = SimulatedConnection()
        connection.immediateResponse = 100
        connection.receive(get + get + get)
        #expect(connection.responded == [1, 2, 3])
        #expect(connection.performed.filter { $0.contains(.flush) }.count == 1, "written together")
    }

    @Test func theRestOfABodyIsReadPastAfterTheResponse() {
        let connection = SimulatedConnection()
        connection.receive([.head(.post(300, streams: true)), .body(100)])
        connection.respond()
        #expect(connection.machine.phase == .skipping && connection.machine.keepsAlive)
        connection.receive([.body(100)])
        connection.receive([.body(100), .endOfMessage] + get)
        #expect(connection.machine.phase == .handling && connection.machine.requestNumber == 2)
        #expect(connection.bodyEnds == [.cancelBody])
    }

    /// Unknown, or more than is read past.
    @Test(arguments: [nil, 5000] as [UInt64?]) func aBodyThatIsTooLongToReadPastClosesTheConnection(length: UInt64?) {
        let connection = SimulatedConnection()
        connection.receive([.head(.post(length, streams: true)), .body(100)])
        connection.respond()
        #expect(connection.machine.phase == .lingering && connection.isShut && !connection.isClosed)
        connection.receive([.body(3000)])
        connection.receive([.body(1900), .endOfMessage] + get)
        #expect(connection.responded == [1])
        connection.end()
        #expect(connection.isClosed)
    }

    @Test func aResponseBeforeTheBodysEndInTheSameReadGoesOn() {
        let connection = SimulatedConnection()
        connection.immediateResponse = 100
        connection.receive([.head(.post(20, streams: true)), .body(10)])
        connection.receive([.body(10), .endOfMessage] + get)
        #expect(connection.responded == [1, 2] && connection.machine.phase == .idle)
    }

    @Test func aBodyBeyondItsLimitIsRefused() {
        let connection = SimulatedConnection()
        connection.receive([.head(.post(nil)), .body(900), .body(10_000)])
        #expect(connection.responded == [1] && connection.machine.phase == .lingering)
        let streamed = SimulatedConnection()
        streamed.receive([.head(.post(nil, streams: true)), .body(900)])
        streamed.receive([.body(10_000)])
        #expect(streamed.handler == .running && !streamed.isReading)
        streamed.respond()
        #expect(streamed.machine.phase == .lingering && streamed.isReading)
    }

    @Test func aMalformedRequestIsRefusedAfterTheResponseBeforeIt() {
        let connection = SimulatedConnection()
        connection.receive(get + [.garbage])
        #expect(connection.responded.isEmpty)
        connection.respond()
        #expect(connection.responded == [1, 2] && connection.machine.phase == .lingering)
    }

    @Test func aBrokenBodyFailsItsReaderAndClosesAfterTheResponse() {
        let connection = SimulatedConnection()
        connection.receive([.head(.post(nil, streams: true)), .body(10)])
        connection.receive([.garbage])
        #expect(connection.bodyEnds == [.truncateBody] && connection.handler == .running)
        connection.respond()
        #expect(connection.machine.phase == .lingering)
    }

    // MARK: - 100 Continue

    @Test func permissionIsGivenOnceAndOnlyBeforeTheResponse() {
        let connection = SimulatedConnection()
        connection.receive([.head(.post(20, continues: true))])
        #expect(connection.handler == .running && connection.continues == 0)
        connection.wantBody()
        connection.wantBody()
        #expect(connection.continues == 1 && connection.machine.timer == .body)
        connection.receive([.body(20), .endOfMessage])
        connection.respond()
        #expect(connection.machine.phase == .idle)
    }

    /// It would be taken for the first bytes of the body.
    @Test func permissionIsNotGivenWithinAStreamedResponse() {
        let connection = SimulatedConnection()
        connection.receive([.head(.post(20, continues: true))])
        connection.beginStream()
        connection.wantBody()
        #expect(connection.continues == 0 && !connection.machine.keepsAlive)
    }

    @Test func permissionThatComesLateStillBoundsTheBody() {
        let connection = SimulatedConnection()
        connection.receive([.head(.post(20, continues: true))])
        connection.fireTimer()
        #expect(connection.bodyEnds.isEmpty && connection.machine.timer == .none)
        connection.wantBody()
        #expect(connection.machine.timer == .body)
        connection.fireTimer()
        #expect(connection.bodyEnds == [.timeOutBody])
    }

    @Test func aClientThatWaitsForPermissionCannotGoOnWithoutIt() {
        let connection = SimulatedConnection()
        connection.receive([.head(.post(20, continues: true))])
        connection.respond()
        #expect(connection.machine.phase == .lingering)
    }

    // MARK: - The peer's end

    @Test func theClientClosesWhileTheHandlerWrites() {
        let connection = SimulatedConnection()
        connection.takesAtOnce = 10
        connection.receive(get)
        connection.beginStream()
        connection.writeStream(1000)
        connection.end()
        #expect(connection.isClosed)
        connection.writeStream(1000)
        connection.endStream()
        #expect(connection.responded.isEmpty)
    }

    @Test func theClientEndsItsInputAfterItsRequests() {
        let connection = SimulatedConnection()
        connection.receive(get + get)
        connection.end()
        connection.respond()
        #expect(!connection.isClosed)
        connection.respond()
        #expect(connection.responded == [1, 2] && connection.isClosed)
    }

    @Test func theClientEndsItsInputBeforeAStreamBegins() {
        let connection = SimulatedConnection()
        connection.receive(get)
        connection.end()
        connection.beginStream()
        #expect(connection.isClosed && connection.responded.isEmpty)
    }

    /// The end came while the request was kept, and does not come again.
    @Test func aKeptRequestWithoutItsEndIsTruncated() {
        let connection = SimulatedConnection()
        connection.receive(get + [.head(.post(20, streams: true)), .body(10)])
        connection.end()
        connection.respond()
        #expect(connection.handler == .running && connection.bodyEnds == [.truncateBody])
        connection.respond()
        #expect(connection.isClosed)
    }

    @Test func responsesOnTheirWayOutliveTheClientsEnd() {
        let connection = SimulatedConnection()
        connection.takesAtOnce = 10
        connection.receive(get)
        connection.respond()
        connection.end()
        #expect(connection.isShut && !connection.isClosed && connection.machine.timer == .write)
        connection.systemTakes(.max)
        #expect(connection.isClosed)
    }

    /// The responses before this one are the client's whatever it asked for last.
    @Test(arguments: [true, false]) func responsesOnTheirWayOutliveAStreamThatTheClientDoesNotWaitFor(isUpgrade: Bool) {
        let connection = SimulatedConnection()
        connection.takesAtOnce = 10
        connection.immediateResponse = 100
        connection.receive(get)
        connection.immediateResponse = nil
        connection.receive(get)
        connection.end()
        if isUpgrade { connection.upgrade() } else { connection.beginStream() }
        #expect(connection.isShut && !connection.isClosed && connection.machine.timer == .write)
        connection.systemTakes(.max)
        #expect(connection.isClosed && !connection.isUpgraded)
    }

    /// The client has its response, and owes only the rest of a body that nobody reads.
    @Test(arguments: [true, false]) func responsesOnTheirWayOutliveABodyThatIsReadPast(isTimer: Bool) {
        let connection = SimulatedConnection()
        connection.takesAtOnce = 10
        connection.receive([.head(.post(20, streams: true)), .body(10)])
        connection.respond()
        #expect(connection.machine.phase == .skipping)
        if isTimer { connection.fireTimer() } else { connection.end() }
        #expect(connection.isShut && !connection.isClosed && connection.machine.timer == .write)
        connection.systemTakes(.max)
        if isTimer { connection.end() }
        #expect(connection.isClosed)
    }

    @Test func responsesOnTheirWayOutliveARequestThatIsCutShort() {
        let connection = SimulatedConnection()
        connection.takesAtOnce = 10
        connection.receive(get)
        connection.respond()
        connection.receive([.head(.post(20)), .body(10)])
        connection.end()
        #expect(connection.isShut && !connection.isClosed)
        connection.systemTakes(.max)
        #expect(connection.isClosed)
    }

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
