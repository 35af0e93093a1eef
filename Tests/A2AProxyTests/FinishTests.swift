import A2AProxy
import Authentication
import Contracts
import EventOutbox
import Foundation
import HTTPCore
import Testing

@Suite struct FinishTests {
    @Test func aBusyTargetGetsNothingUntilItsNextHeartbeat() async throws {
        try await QueueFixture.with { fixture in
            let workspace = try await fixture.workspace(capacity: 2)
            let met = try await fixture.item(workspace, "met")
            _ = try await fixture.item(workspace, "other")
            let claimed = try await fixture.claim([workspace])
            #expect(claimed.count == 2)
            #expect(try await fixture.finish(claimed[0], .busy(.unavailable)))
            #expect(try await fixture.finish(claimed[1], .ok()))
            #expect(try await fixture.status(met) == "queued")
            #expect(try await fixture.claim([workspace]).isEmpty)
            try await fixture.beat(workspace)
            let again = try await fixture.claim([workspace])
            #expect(again.map(\.id) == [met])
            #expect(again[0].attempts == 0)
            #expect(again[0].claimNumber == 2)
        }
    }

    @Test func aFailedItemWaitsForItsTimeAndAHeartbeatAndOthersGoOn() async throws {
        try await QueueFixture.with { fixture in
            let workspace = try await fixture.workspace()
            let bad = try await fixture.item(workspace, "bad")
            let good = try await fixture.item(workspace, "good")
            #expect(try await fixture.finish(fixture.claim([workspace])[0], .error(500)))
            #expect(try await fixture.claim([workspace]).map(\.id) == [good])
            try await fixture.sql("UPDATE a2a_queue SET status = 'completed' WHERE id = '\(good)'")
            try await fixture.beat(workspace)
            #expect(try await fixture.claim([workspace]).isEmpty)
            #expect(try await fixture.queue.claimable([workspace], busyPause: .seconds(24)).isEmpty)
            try await fixture.release()
            let again = try await fixture.claim([workspace])
            #expect(again.map(\.id) == [bad])
            #expect(again.first?.attempts == 1)
        }
    }

    @Test func failsAfterFiveCountedAttemptsAndSaysWhy() async throws {
        try await QueueFixture.with { fixture in
            let workspace = try await fixture.workspace()
            let item = try await fixture.item(workspace, "m")
            for attempt in 1...5 {
                try await fixture.beat(workspace)
                try await fixture.release()
                let claimed = try #require(try await fixture.claim([workspace]).first)
                #expect(claimed.attempts == attempt - 1)
                #expect(claimed.isUncertain == (attempt > 1))
                #expect(try await fixture.finish(claimed, .busy(.endOfFile)))
            }
            let stored = try #require(try await fixture.queue.item(item))
            #expect(stored.status == .failed)
            #expect(stored.attempts == 5)
            #expect(stored.lastError == BusyReason.endOfFile.rawValue)
            #expect(stored.deliveryUncertain)
            #expect(
                try await fixture.sql("SELECT data->>'error' FROM structure_events WHERE type = 'a2a.failed'") != nil)
        }
    }

    @Test func targetsThatNeverHeartbeatAreRetriedByTheClock() async throws {
        try await QueueFixture.with { fixture in
            let workspace = try await fixture.workspace(heartbeats: false)
            let item = try await fixture.item(workspace, "m")
            #expect(try await fixture.finish(fixture.claim([workspace])[0], .busy(.tooManyRequests)))
            #expect(try await fixture.claim([workspace]).isEmpty)
            let text = "SELECT extract(epoch FROM available_at - now())::int FROM a2a_queue"
            #expect((40...60).contains(Int(try await fixture.sql(text) ?? "") ?? 0))
            try await fixture.sql("UPDATE a2a_queue SET available_at = now() - interval '1 second'")
            // Its time came, and the pause after the target's being busy is over.
            try await fixture.sql("UPDATE workspace_vitals SET last_busy_at = now() - interval '1 minute'")
            #expect(try await fixture.queue.due(within: .seconds(5)) == [workspace])
            #expect(try await fixture.claim([workspace]).map(\.id) == [item])
        }
    }

    @Test func theFirstHeartbeatEverMakesAllAvailable() async throws {
        try await QueueFixture.with { fixture in
            let workspace = try await fixture.workspace(capacity: 2, heartbeats: false)
            for key in ["a", "b"] { _ = try await fixture.item(workspace, key) }
            for item in try await fixture.claim([workspace]) {
                #expect(try await fixture.finish(item, .busy(.unavailable)))
            }
            try await fixture.beat(workspace)
            #expect(try await fixture.claim([workspace]).count == 2)
        }
    }

    @Test func onlyTheCurrentClaimMayFinish() async throws {
        try await QueueFixture.with { fixture in
            let workspace = try await fixture.workspace()
            let item = try await fixture.item(workspace, "m")
            let frozen = try await fixture.claim([workspace], owner: "frozen")[0]
            // Its lease ran out and the sweep put the item back.
            try await fixture.sql(
                "UPDATE a2a_queue SET status = 'queued', lease_owner = NULL, lease_until = NULL, delivery_uncertain = true"
            )
            let lease = ItemLease(item: item, claimNumber: frozen.claimNumber)
            #expect(try await fixture.queue.extend([lease], owner: "frozen", by: .seconds(30)).isEmpty)
            let successor = try await fixture.claim([workspace], owner: "successor")[0]
            #expect(successor.isUncertain)
            #expect(try await fixture.finish(frozen, .ok(#"{"from":"frozen"}"#)) == false)
            #expect(try await fixture.finish(frozen, .error(500)) == false)
            #expect(try await fixture.finish(successor, .ok(#"{"from":"successor"}"#)))
            let response = try await fixture.queue.item(item)?.response?.bytes
            #expect(response == Array(#"{"from":"successor"}"#.utf8))
            #expect(try await fixture.finish(successor, .ok("again")) == false)
        }
    }

    /// Whatever a text column and JSON can hold.
    @Test(arguments: [
        (Array(#"{"a": [1,  2]}"#.utf8), #"{"a": [1,  2]}"#, false),
        (Array("plain \"words\"".utf8), #""plain \"words\"""#, false),
        (Array("nul \0".utf8), #""nul \u0000""#, false),
        ([0x61, 0xff, 0x00, 0xc3], "\"a\u{FFFD}\\u0000\u{FFFD}\"", true), ([], #""""#, false),
    ])
    func aResponseKeepsItsBytes(_ bytes: [UInt8], _ json: String, inBase64: Bool) async throws {
        try await QueueFixture.with { fixture in
            let workspace = try await fixture.workspace()
            let item = try await fixture.item(workspace, "m")
            let claimed = try await fixture.claim([workspace])[0]
            let agentResponse = AgentResponse(status: 200, contentType: nil, body: bytes)
            #expect(try await fixture.finish(claimed, .responded(agentResponse)))
            let stored = try #require(try await fixture.queue.item(item))
            #expect(stored.response.map { String(decoding: $0.bytes, as: UTF8.self) } == json)
            #expect(stored.responseBase64 == (inBase64 ? Data(bytes).base64EncodedString() : nil))
            #expect(try await fixture.queue.task(item, of: workspace, sentBy: .console(.admin))?.response == bytes)
        }
    }

    @Test func leasesAreExtendedAndHandedBack() async throws {
        try await QueueFixture.with { fixture in
            let workspace = try await fixture.workspace()
            let item = try await fixture.item(workspace, "m")
            let claimed = try await fixture.claim([workspace])[0]
            try await fixture.sql("UPDATE a2a_queue SET lease_until = now()")
            let lease = ItemLease(item: item, claimNumber: claimed.claimNumber)
            #expect(try await fixture.queue.extend([lease], owner: "one", by: .seconds(60)) == [item])
            let left = try await fixture.sql("SELECT extract(epoch FROM lease_until - now())::int FROM a2a_queue")
            #expect((50...60).contains(Int(left ?? "") ?? 0))
            try await fixture.queue.handBack([lease])
            let again = try await fixture.claim([workspace], owner: "two")[0]
            #expect(again.attempts == 0)
            #expect(again.isUncertain)
        }
    }

    @Test func aCompletionFreesCapacityThatTheLastReportStillCounted() async throws {
        try await QueueFixture.with { fixture in
            let workspace = try await fixture.workspace()
            for key in ["a", "b"] { _ = try await fixture.item(workspace, key) }
            let first = try await fixture.claim([workspace])[0]
            try await fixture.beat(workspace, active: 1)
            #expect(try await fixture.claim([workspace]).isEmpty)
            #expect(try await fixture.finish(first, .ok()))
            #expect(try await fixture.claim([workspace]).count == 1)
        }
    }

    @Test func aBatchFinishesEachItemByItsOwnOutcome() async throws {
        try await QueueFixture.with { fixture in
            let workspaces = [
                try await fixture.workspace(), try await fixture.workspace(), try await fixture.workspace(),
            ]
            for workspace in workspaces { _ = try await fixture.item(workspace, "m") }
            let items = try await fixture.claim(workspaces)
            let outcomes: [CallOutcome] = [.ok(), .error(500), .busy(.unavailable)]
            let rules = QueueRules()
            var batch = zip(items, outcomes).map { item, outcome in
                FinishedItem(
                    id: item.id, workspace: item.workspace, claimNumber: item.claimNumber,
                    verdict: rules.verdict(on: outcome, for: item.facts))
            }
            batch.append(FinishedItem(id: UUID(), workspace: UUID(), claimNumber: 1, verdict: batch[0].verdict))
            let finished = try await fixture.queue.finish(batch)
            #expect(finished.accepted == [true, true, true, false])
            #expect(finished.events.map(\.event.type) == ["a2a.completed"])
            var states: [String?] = []
            for item in items { states.append(try await fixture.status(item.id)) }
            #expect(states == ["completed", "queued", "queued"])
        }
    }
}
