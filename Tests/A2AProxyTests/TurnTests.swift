import A2AProxy
import Contracts
import Foundation
import Testing

/// Which message is next when the target has sent one back.
@Suite struct TurnTests {
    private static let undelivered: [CallOutcome] = [
        .busy(.unavailable), .busy(.tooManyRequests), .busy(.connectionReset), .busy(.idleTimeout), .unreachable,
    ]

    @Test(arguments: 0..<undelivered.count)
    func whatWasJustSentBackGoesBehindWhatWasNotTried(_ number: Int) async throws {
        try await QueueFixture.with { fixture in
            let workspace = try await fixture.workspace()
            for key in ["p0", "n1"] { _ = try await fixture.item(workspace, key) }
            let first = try await fixture.claim([workspace])
            #expect(first.map(\.messageID) == ["p0"])
            #expect(try await fixture.finish(first[0], Self.undelivered[number]))
            // What comes later was not tried either.
            _ = try await fixture.item(workspace, "n2")
            try await fixture.beat(workspace)
            try await fixture.release()
            for key in ["n1", "n2"] {
                let next = try await fixture.claim([workspace])
                #expect(next.map(\.messageID) == [key])
                #expect(try await fixture.finish(next[0], .ok()))
            }
            #expect(try await fixture.claim([workspace]).map(\.messageID) == ["p0"])
        }
    }

    @Test func anUrgentOneThatIsRefusedLetsOthersPassForAWhile() async throws {
        try await QueueFixture.with { fixture in
            let workspace = try await fixture.workspace(capacity: 2)
            for (key, priority) in [("urgent", 100), ("p0", 50)] {
                _ = try await fixture.item(workspace, key, priority: priority)
            }
            for item in try await fixture.claim([workspace]) {
                #expect(try await fixture.finish(item, .busy(.unavailable)))
            }
            for key in ["n1", "n2"] { _ = try await fixture.item(workspace, key, priority: 10) }
            try await fixture.beat(workspace)
            let next = try await fixture.claim([workspace])
            #expect(next.map(\.messageID) == ["n1", "n2"])
            for item in next { #expect(try await fixture.finish(item, .ok())) }
            for key in ["n3", "n4"] { _ = try await fixture.item(workspace, key, priority: 10) }
            try await fixture.sql("UPDATE a2a_queue SET requeued_at = requeued_at - interval '61 seconds'")
            #expect(try await fixture.claim([workspace]).map(\.messageID) == ["urgent", "p0"])
        }
    }

    @Test func thoseThatAreRefusedAlternate() async throws {
        try await QueueFixture.with { fixture in
            let workspace = try await fixture.workspace()
            for key in ["a", "b", "c"] { _ = try await fixture.item(workspace, key) }
            var tried: [String] = []
            for _ in 0..<6 {
                try await fixture.beat(workspace)
                let item = try #require(try await fixture.claim([workspace]).first)
                tried.append(item.messageID ?? "")
                #expect(try await fixture.finish(item, .busy(.unavailable)))
            }
            #expect(tried == ["a", "b", "c", "a", "b", "c"])
            let places = try await fixture.queue.items(of: workspace, limit: 10).map(\.refusals)
            #expect(places == [2, 2, 2])
        }
    }

    @Test func aRetryAfterIsBelievedThoughTheTargetBeats() async throws {
        try await QueueFixture.with { fixture in
            let workspace = try await fixture.workspace()
            for key in ["p0", "n1"] { _ = try await fixture.item(workspace, key) }
            let first = try await fixture.claim([workspace])[0]
            #expect(try await fixture.finish(first, .busy(.tooManyRequests, retryAfter: .seconds(90))))
            try await fixture.beat(workspace)
            let next = try await fixture.claim([workspace])
            #expect(next.map(\.messageID) == ["n1"])
            #expect(try await fixture.finish(next[0], .ok()))
            try await fixture.beat(workspace)
            #expect(try await fixture.claim([workspace]).isEmpty)
            #expect(try await fixture.queue.claimable([workspace], busyPause: .seconds(24)).isEmpty)
            #expect(try await fixture.queue.due(within: .seconds(5)).isEmpty)
            let left = "SELECT extract(epoch FROM held_until - now())::int FROM a2a_queue WHERE status = 'queued'"
            #expect((60...90).contains(Int(try await fixture.sql(left) ?? "") ?? 0))
            try await fixture.release()
            #expect(try await fixture.queue.due(within: .seconds(5)) == [workspace])
            #expect(try await fixture.claim([workspace]).map(\.id) == [first.id])
        }
    }

    @Test func aRetryAfterOfTheFirstCallIsBelieved() async throws {
        try await QueueFixture.with { fixture in
            let workspace = try await fixture.workspace()
            var message = NewItem(workspace: workspace, caller: nil, method: "message/send", body: "{}", messageID: "m")
            message.hold = .seconds(90)
            _ = try await fixture.queue.enqueue([message])
            try await fixture.beat(workspace)
            #expect(try await fixture.claim([workspace]).isEmpty)
            try await fixture.release()
            #expect(try await fixture.claim([workspace]).count == 1)
        }
    }

    @Test func oneContextKeepsItsOrder() async throws {
        try await QueueFixture.with { fixture in
            let workspace = try await fixture.workspace(capacity: 3)
            for key in ["a1", "a2"] { _ = try await fixture.item(workspace, key, context: "a") }
            let first = try await fixture.claim([workspace])
            #expect(try await fixture.finish(first[0], .busy(.unavailable, retryAfter: .seconds(90))))
            _ = try await fixture.item(workspace, "b1", context: "b")
            try await fixture.beat(workspace)
            #expect(try await fixture.claim([workspace]).map(\.messageID) == ["b1"])
            try await fixture.release()
            #expect(try await fixture.claim([workspace]).map(\.messageID) == ["a1"])
        }
    }

    @Test func refusalsEndVisiblyInTime() async throws {
        try await QueueFixture.with { fixture in
            let workspace = try await fixture.workspace()
            let id = try await fixture.item(workspace, "m")
            var rules = QueueRules()
            rules.refusalLimit = .seconds(80)
            for number in 1...6 {
                try await fixture.beat(workspace)
                // Half a minute lies between one and the next, of which 20 seconds count.
                try await fixture.sql("UPDATE a2a_queue SET requeued_at = requeued_at - interval '30 seconds'")
                let item = try #require(try await fixture.claim([workspace]).first)
                #expect(try await fixture.finish(item, .busy(.unavailable), rules: rules))
                let stored = try #require(try await fixture.queue.item(id))
                #expect(stored.refusals == number)
                #expect(stored.attempts == 0)
                if number == 5 {
                    #expect(stored.status == .failed)
                    #expect(stored.lastError == "refused for too long: the agent answered 503")
                    // An operator's retry begins anew.
                    guard case .queued(workspace, _) = try await fixture.queue.retry(id) else {
                        Issue.record("not tried again")
                        return
                    }
                    try await fixture.sql("UPDATE a2a_queue SET refusals = 5")
                } else {
                    #expect(stored.status == .queued)
                }
            }
        }
    }

    @Test func everyRepetitionIsKnownToBeOne() async throws {
        try await QueueFixture.with { fixture in
            let workspace = try await fixture.workspace()
            let id = try await fixture.item(workspace, "m")
            func next() async throws -> ClaimedItem {
                try await fixture.beat(workspace)
                try await fixture.release()
                return try #require(try await fixture.claim([workspace]).first)
            }
            // Two refusals are no deliveries.
            for outcome in [CallOutcome.busy(.unavailable), .unreachable] {
                let item = try await next()
                #expect(item.deliveries == 0)
                #expect(try await fixture.finish(item, outcome))
            }
            let outcomes: [CallOutcome] = [
                .error(500), .busy(.connectionReset), .responseLost(deliveryConfirmed: true), .memoryExhausted,
            ]
            for (number, outcome) in outcomes.enumerated() {
                let item = try await next()
                #expect(item.deliveries == number)
                #expect(try await fixture.finish(item, outcome))
            }
            // A shutdown hands it back, an operator tries it again.
            let item = try await next()
            #expect(item.deliveries == 4)
            try await fixture.queue.handBack([ItemLease(item: id, claimNumber: item.claimNumber)])
            let again = try await next()
            #expect(again.deliveries == 5)
            var rules = QueueRules()
            rules.attemptLimit = 1
            #expect(try await fixture.finish(again, .error(500), rules: rules))
            #expect(try await fixture.status(id) == "failed")
            guard case .queued(workspace, _) = try await fixture.queue.retry(id) else {
                Issue.record("not tried again")
                return
            }
            #expect(try await next().deliveries == 6)
        }
    }

    @Test func aMessageThatWasSentOnceIsRepeatedFromTheQueue() async throws {
        try await QueueFixture.with { fixture in
            let workspace = try await fixture.workspace(capacity: 2)
            for isUncertain in [true, false] {
                _ = try await fixture.queue.enqueue([
                    NewItem(
                        workspace: workspace, caller: nil, method: "message/send", body: "{}",
                        messageID: "\(isUncertain)", isUncertain: isUncertain)
                ])
            }
            try await fixture.beat(workspace)
            let claimed = try await fixture.claim([workspace])
            #expect(claimed.map(\.messageID) == ["true", "false"])
            #expect(claimed.map(\.deliveries) == [1, 0])
        }
    }
}
