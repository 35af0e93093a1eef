import A2AProxy
import AgentResponses
import Contracts
import Foundation
import HTTPCore
import JSONBytes
import PlatformInternals
import Testing
import UVHTTPServer

@Suite("What a queue item's log says") struct AttemptLogTests {
    private let facts = DeliveryState(attempts: 1, claimNumber: 2)

    private func logged(_ outcome: CallOutcome, _ facts: DeliveryState? = nil) -> LoggedAttempt? {
        let facts = facts ?? self.facts
        return QueueRules().verdict(on: outcome, for: facts).logged(after: facts, outcome)
    }

    @Test("Each end of a call is what it means for the message; what is delivered or dropped leaves nothing")
    func kinds() {
        #expect(logged(.ok()) == nil)
        #expect(logged(.gone) == nil)
        #expect(logged(.abandoned(mayBeDelivered: false)) == nil)
        #expect(logged(.error(500)) == LoggedAttempt(.failed, status: 500))
        #expect(logged(.busy(.tooManyRequests)) == LoggedAttempt(.refused, status: 429))
        #expect(logged(.busy(.unavailable)) == LoggedAttempt(.refused, status: 503))
        #expect(logged(.busy(.connectionReset)) == LoggedAttempt(.uncertain))
        #expect(logged(.absent) == LoggedAttempt(.refused))
        #expect(logged(.notRoutable("workspace is paused")) == LoggedAttempt(.refused))
        #expect(logged(.error(500), DeliveryState(attempts: 4, claimNumber: 5)) == LoggedAttempt(.failed, status: 500))
    }

    private let start = Date(timeIntervalSince1970: 1_700_000_000)
    private func at(_ seconds: Double) -> Date { start + seconds }

    @Test("The history is made of the columns and the log, in order")
    func history() {
        var history = QueueItemHistory(
            status: .completed, enqueuedAt: start, dispatchedAt: at(20), completedAt: at(21), expiresAt: at(1000),
            wasClaimed: true, responseStatus: 200)
        history.log = Array(
            #"[{"at":1700000010.5,"kind":"refused","error":"busy","status":503},{"at":1700000015,"kind":"mystery"}]"#
                .utf8)
        #expect(
            history.entries == [
                QueueLogEntry(at: start, kind: .enqueued),
                QueueLogEntry(at: at(10.5), kind: .refused, error: "busy", status: 503),
                QueueLogEntry(at: at(20), kind: .claimed), QueueLogEntry(at: at(21), kind: .delivered, status: 200),
            ])
    }

    @Test("An item not taken in time has expired; one that was taken out or ended was dropped")
    func ends() {
        var history = QueueItemHistory(status: .dropped, enqueuedAt: start, completedAt: at(50), expiresAt: at(40))
        #expect(history.entries.map(\.kind) == [.enqueued, .expired])
        history.expiresAt = at(60)
        #expect(history.entries.map(\.kind) == [.enqueued, .dropped])
        history.expiresAt = start
        #expect(history.entries.map(\.kind) == [.enqueued, .dropped])
        history = QueueItemHistory(
            status: .failed, enqueuedAt: start, completedAt: at(50), expiresAt: at(60), lastError: "boom")
        #expect(history.entries.last == QueueLogEntry(at: at(50), kind: .failed, error: "boom"))
        history.log = Array(#"[{"at":1700000050,"kind":"failed","error":"boom","status":500}]"#.utf8)
        #expect(history.entries.map(\.kind) == [.enqueued, .failed])
    }

    @Test("Of an untried message it says why it waits; of a long history the newest thirty remain")
    func bounds() {
        var history = QueueItemHistory(
            status: .queued, enqueuedAt: start, expiresAt: at(9), lastError: "the agent answered 503")
        #expect(history.entries == [QueueLogEntry(at: start, kind: .enqueued, error: "the agent answered 503")])
        let lines = (1...30).map { #"{"at":\#(1_700_000_000 + $0),"kind":"refused"}"# }
        history.log = Array("[\(lines.joined(separator: ","))]".utf8)
        #expect(history.entries.count == Limits.queueLog)
        #expect(history.entries.allSatisfy { $0.kind == .refused })
    }

    @Test(
        "A message is private where it says so with a truth value",
        arguments: [
            (#"{"params":{"metadata":{"private":true}}}"#, true),
            (#"{"params":{"message":{"metadata":{"private":true}}}}"#, true),
            (#"{"params":{"metadata":{"private":"true"},"message":{"metadata":{"private":false}}}}"#, false),
            (#"{"metadata":{"private":true}}"#, false), ("[]", false), ("x", false),
        ])
    func privacy(_ body: String, _ isPrivate: Bool) {
        #expect(PrivateBody.isMarked(Array(body.utf8)) == isPrivate)
    }
}

@Suite("The filter of a change of many") struct FleetQueueFilterTests {
    private func read(_ json: String) throws -> FleetQueueFilter {
        try FleetQueueFilter(changing: try JSONObject(validating: Array(json.utf8)))
    }

    @Test("Members narrow down")
    func members() throws {
        let id = UUID()
        let filter = try read(
            #"{"state":["failed"],"target":"\#(id)","caller":"console","method":"x","older_than":5,"min_attempts":2}"#)
        #expect(filter.states == [.failed])
        #expect(filter.target == id)
        #expect(filter.caller == .console)
        #expect((filter.method, filter.olderThan, filter.minAttempts) == ("x", 5, 2))
        #expect(try read(#"{"ids":["\#(id)"],"min_attempts":0}"#).ids == [id])
    }

    @Test(
        "What means everything, or what is not known, is refused, with its name",
        arguments: [
            ("{}", "filter"), (#"{"state":null}"#, "filter.state"), (#"{"ids":[]}"#, "ids"),
            (#"{"state":[]}"#, "state"),
            (#"{"state":["lost"]}"#, "state"), (#"{"ids":["x"]}"#, "ids"), (#"{"target":"x"}"#, "target"),
            (#"{"caller":"me"}"#, "caller"), (#"{"older_than":-1}"#, "older_than"), (#"{"method":""}"#, "method"),
            (#"{"min_attempts":"2"}"#, "min_attempts"), (#"{"stat":["failed"]}"#, "filter.stat"),
            (#"{"state":["failed"],"target":null}"#, "filter.target"), (#"{"min_attempts":0}"#, "filter"),
            (#"{"older_than":0,"min_attempts":0}"#, "filter"), (#"{"q":"  "}"#, "q"),
            (#"{"q":"a\u0000"}"#, "q"), (#"{"method":"x","method":"y"}"#, "method"),
        ])
    func refusals(_ json: String, _ field: String) throws {
        let error = #expect(throws: APIError.self) { try read(json) }
        #expect(error?.field == field)
        #expect(error?.status == .badRequest)
    }
}
