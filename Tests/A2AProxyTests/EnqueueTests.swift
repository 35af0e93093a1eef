import A2AProxy
import Authentication
import Contracts
import EventOutbox
import Foundation
import Postgres
import Testing

@Suite struct EnqueueTests {
    private func new(_ workspace: UUID, _ key: String?, backoff: Duration = .seconds(30)) -> NewItem {
        NewItem(
            workspace: workspace, caller: nil, method: "message/send", body: #"{"k":"größe"}"#, messageID: key,
            backoff: backoff)
    }

    @Test func theSameMessageIsStoredOnce() async throws {
        try await QueueFixture.with { fixture in
            let workspace = try await fixture.workspace()
            let first = try #require(try await fixture.queue.enqueue([new(workspace, "m")])[0])
            #expect(first.depth == 1)
            #expect(first.event?.event.type == "a2a.queued")
            let second = try #require(try await fixture.queue.enqueue([new(workspace, "m")])[0])
            #expect(second.id == first.id)
            #expect(second.event == nil)
            #expect(second.depth == 1)
        }
    }

    @Test func aBatchKeepsItsOrderAndItsTwins() async throws {
        try await QueueFixture.with { fixture in
            let workspace = try await fixture.workspace(capacity: 10)
            let keys = ["z", "a", "z", "m", nil, nil, "b"]
            let stored = try await fixture.queue.enqueue(keys.map { new(workspace, $0) }).map { $0?.id }
            #expect(stored[0] == stored[2])
            #expect(Set(stored).count == 6)
            try await fixture.beat(workspace)
            #expect(try await fixture.claim([workspace]).map(\.messageID) == ["z", "a", "m", nil, nil, "b"])
        }
    }

    @Test func manySendersOfTheSameKeysGetTheSameItems() async throws {
        try await QueueFixture.with { fixture in
            let workspaces = [try await fixture.workspace(), try await fixture.workspace()]
            let all = workspaces.flatMap { workspace in (0..<20).map { (workspace, "m\($0)") } }
            let ids = try await withThrowingTaskGroup(of: [String: UUID].self) { group in
                for _ in 0..<16 {
                    group.addTask {
                        let order = all.shuffled()
                        let stored = try await fixture.queue.enqueue(order.map { new($0.0, $0.1) })
                        return Dictionary(
                            zip(order, stored).map { ("\($0.0)/\($0.1)", $1?.id ?? UUID()) }
                        ) { first, _ in first }
                    }
                }
                return try await group.reduce(into: [[String: UUID]]()) { $0.append($1) }
            }
            #expect(Set(ids).count == 1)
            #expect(try await fixture.sql("SELECT count(*) FROM a2a_queue") == "40")
            #expect(try await fixture.sql("SELECT count(*) FROM structure_events WHERE type = 'a2a.queued'") == "40")
        }
    }

    /// Workspaces and operators alike: each gets its own item, again and again.
    @Test func theSameIDOfTwoCallersIsTwoMessages() async throws {
        try await QueueFixture.with { fixture in
            let workspace = try await fixture.workspace(capacity: 10)
            let token = UUID()
            let callers: [Caller] = [
                .workspace(UUID()), .workspace(token), .console(.admin), .console(.org(token)), .console(.org(UUID())),
                .console(.workspace(token)), .console(.anonymous),
            ]
            func send() async throws -> [UUID?] {
                try await fixture.queue.enqueue(
                    callers.map { caller in
                        var item = new(workspace, "m")
                        (item.caller, item.operatorKey) = (caller.workspaceID, caller.operatorKey)
                        return item
                    }
                ).map { $0?.id }
            }
            let first = try await send()
            #expect(Set(first).count == callers.count)
            #expect(try await send() == first)
            for (caller, item) in zip(callers, first) {
                let item = try #require(item)
                #expect(try await fixture.queue.task(item, of: workspace, sentBy: caller) != nil)
                for other in callers where other != caller {
                    #expect(try await fixture.queue.task(item, of: workspace, sentBy: other) == nil)
                }
            }
            #expect(try await fixture.queue.sender(of: #require(first[1])) == token)
            #expect(try await fixture.queue.sender(of: #require(first[2])) == nil)
            #expect(try await fixture.queue.sender(of: #require(first[5])) == token)
            try await fixture.beat(workspace)
            #expect(try await fixture.claim([workspace]).count == callers.count)
        }
    }

    @Test func aKeyIsFreeAgainOnceItsItemEnded() async throws {
        try await QueueFixture.with { fixture in
            let workspace = try await fixture.workspace()
            let first = try #require(try await fixture.queue.enqueue([new(workspace, "m")])[0])
            try await fixture.sql("UPDATE a2a_queue SET status = 'completed'")
            let second = try #require(try await fixture.queue.enqueue([new(workspace, "m")])[0])
            #expect(first.id != second.id)
        }
    }

    @Test func storingSaysThatTheTargetIsBusy() async throws {
        try await QueueFixture.with { fixture in
            let workspace = try await fixture.workspace()
            _ = try await fixture.queue.enqueue([new(workspace, "m")])
            #expect(try await fixture.claim([workspace]).isEmpty)
            #expect(try await fixture.queue.unnotified(busyPause: .seconds(1)).ready.isEmpty)
            #expect(try await fixture.queue.claimable([workspace], busyPause: .seconds(24)).isEmpty)
            try await fixture.beat(workspace)
            #expect(try await fixture.queue.claimable([UUID(), workspace], busyPause: .seconds(24)) == [workspace])
            #expect(try await fixture.queue.unnotified(busyPause: .seconds(1)).ready == [workspace])
            #expect(try await fixture.claim([workspace]).count == 1)
            #expect(try await fixture.queue.claimable([workspace], busyPause: .seconds(24)).isEmpty)
        }
    }

    @Test func aCallersOwnCeilingLeavesTheTargetAsItIs() async throws {
        try await QueueFixture.with { fixture in
            let (plain, withCeiling) = (try await fixture.workspace(), try await fixture.workspace())
            let other = try await fixture.item(withCeiling, "other")
            var message = new(withCeiling, "m")
            message.targetIsBusy = false
            #expect(try await fixture.queue.enqueue([message, new(plain, "m")]).allSatisfy { $0 != nil })
            let busy = "SELECT string_agg(workspace_id::text, ' ') FROM workspace_vitals WHERE last_busy_at IS NOT NULL"
            #expect(try await fixture.sql(busy) == plain.lowercased)
            // The message itself may go at once, after what was there before.
            let first = try await fixture.claim([withCeiling])
            #expect(first.map(\.id) == [other])
            #expect(try await fixture.finish(first[0], .ok()))
            #expect(try await fixture.claim([withCeiling]).map(\.messageID) == ["m"])
        }
    }

    @Test func aTargetIsMarkedBusyOncePerHeartbeat() async throws {
        try await QueueFixture.with { fixture in
            let workspace = try await fixture.workspace()
            let busySince = "SELECT last_busy_at::text FROM workspace_vitals"
            _ = try await fixture.queue.enqueue([new(workspace, "m")])
            let first = try await fixture.sql(busySince)
            _ = try await fixture.queue.enqueue([new(workspace, "n")])
            #expect(try await fixture.sql(busySince) == first)
            try await fixture.beat(workspace)
            _ = try await fixture.queue.enqueue([new(workspace, "o")])
            #expect(try await fixture.sql(busySince) != first)
            #expect(try await fixture.claim([workspace]).isEmpty)
        }
    }

    @Test func aPendingDelegationIsWorthAClaimWithoutCapacity() async throws {
        try await QueueFixture.with { fixture in
            let workspace = try await fixture.workspace()
            _ = try await fixture.queue.enqueue([new(workspace, "m")])
            #expect(try await fixture.queue.claimable([workspace], busyPause: .seconds(24)).isEmpty)
            _ = try await fixture.delegations.create(
                NewDelegation(source: UUID(), target: workspace, task: "t", body: "{}"))
            #expect(try await fixture.queue.claimable([workspace], busyPause: .seconds(24)) == [workspace])
        }
    }

    @Test func aTargetWithoutHeartbeatsWaitsItsTime() async throws {
        try await QueueFixture.with { fixture in
            let workspace = try await fixture.workspace(heartbeats: false)
            _ = try await fixture.queue.enqueue([new(workspace, "m", backoff: .seconds(20))])
            let left = try await fixture.sql("SELECT extract(epoch FROM available_at - now())::int FROM a2a_queue")
            #expect((15...20).contains(Int(left ?? "") ?? 0))
        }
    }

    @Test func droppingAndRetrying() async throws {
        try await QueueFixture.with { fixture in
            let workspace = try await fixture.workspace()
            let item = try await fixture.item(workspace, "m")
            #expect(try await fixture.queue.drop(item, of: UUID(), reason: "x").dropped == 0)
            let dropped = try await fixture.queue.drop(item, of: workspace, reason: "dropped on request")
            #expect(dropped.dropped == 1)
            #expect(dropped.events.map(\.event.type) == ["a2a.dropped"])
            guard case .notFailed(.dropped) = try await fixture.queue.retry(item) else {
                Issue.record("it has not failed")
                return
            }
            try await fixture.sql("UPDATE a2a_queue SET status = 'failed', attempts = 5")
            guard case .queued(workspace, _) = try await fixture.queue.retry(item) else {
                Issue.record("it is not retried")
                return
            }
            #expect(try await fixture.claim([workspace]).first?.attempts == 0)
        }
    }

    @Test func dropsOnlyWhatIsStale() async throws {
        try await QueueFixture.with { fixture in
            let workspace = try await fixture.workspace()
            let other = try await fixture.workspace()
            let old = try await fixture.item(workspace, "old")
            let fresh = try await fixture.item(workspace, "fresh")
            let elsewhere = try await fixture.item(other, "old")
            try await fixture.sql(
                "UPDATE a2a_queue SET enqueued_at = now() - interval '2 hours' WHERE idempotency_key = 'old'")
            let dropped = try await fixture.queue.dropStale(minutes: 60, of: workspace, reason: "stale")
            #expect(dropped.dropped == 1)
            #expect(try await fixture.status(old) == "dropped")
            #expect(try await fixture.status(fresh) == "queued")
            #expect(try await fixture.queue.dropStale(minutes: 60, of: nil, reason: "stale").dropped == 1)
            #expect(try await fixture.status(elsewhere) == "dropped")
        }
    }
}
