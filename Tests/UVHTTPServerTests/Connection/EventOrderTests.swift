import Testing

@testable import UVHTTPServer

/// Events in the orders that are easily forgotten.
@Suite struct EventOrderTests {
    let get: [SimulatedConnection.Token] = [.head(.get), .endOfMessage]

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
}
