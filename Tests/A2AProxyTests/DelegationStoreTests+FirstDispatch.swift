import A2AProxy
import Contracts
import Foundation
import HTTPCore
import Testing

/// When a delegation's message is sent for the first time, and what its second try waits for.
extension DelegationStoreTests {
    @Test func withoutCapacityItIsQueuedAndDelivered() async throws {
        try await QueueFixture.with { fixture in
            let (source, target) = (try await fixture.workspace(), try await fixture.workspace())
            _ = try await fixture.item(target, "ours")
            let running = try await fixture.claim([target])[0]
            let delegation = new(source, target)
            _ = try await fixture.delegations.create(delegation)
            #expect(try await fixture.claim([target]).isEmpty)
            #expect(try await fixture.delegations.delegation(delegation.id, of: source)?.status == .queued)
            let waiting = try await fixture.delegations.entries(of: source)
            #expect(waiting.map(\.summary) == ["Delegation queued — target at capacity", "Delegating to test"])
            #expect(try await fixture.finish(running, .ok()))
            let item = try #require(try await fixture.claim([target]).first)
            #expect(item.phase == .queued)
            #expect(try await fixture.finish(item, .ok()))
            let via = "SELECT data->>'via' FROM structure_events WHERE type = 'delegation.completed'"
            #expect(try await fixture.sql(via) == "queue_drain")
        }
    }

    @Test func theFirstDispatchWaitsForNoReport() async throws {
        try await QueueFixture.with { fixture in
            let (source, target) = (try await fixture.workspace(), try await fixture.workspace())
            // It was busy after its last heartbeat, which reported a task besides.
            _ = try await fixture.queue.enqueue([
                NewItem(workspace: target, caller: nil, method: "message/send", body: "{}", messageID: "m")
            ])
            try await fixture.sql("UPDATE workspace_vitals SET active_tasks = 1")
            #expect(try await fixture.claim([target]).isEmpty)
            let delegation = new(source, target)
            _ = try await fixture.delegations.create(delegation)
            #expect(try await fixture.queue.unnotified(busyPause: .seconds(24)).ready == [target])
            #expect(try await fixture.queue.claimable([target], busyPause: .seconds(24)) == [target])
            let item = try #require(try await fixture.claim([target]).first)
            #expect(item.delegation == delegation.id)
            #expect(item.phase == .firstDispatch(attempts: 0))
            // A busy response makes it wait like everything else.
            #expect(try await fixture.finish(item, .busy(.unavailable)))
            #expect(try await fixture.delegations.delegation(delegation.id, of: source)?.status == .queued)
            #expect(try await fixture.queue.unnotified(busyPause: .seconds(24)).ready.isEmpty)
            #expect(try await fixture.claim([target]).isEmpty)
            try await fixture.beat(target)
            #expect(try await fixture.claim([target]).map(\.messageID) == ["m"])
        }
    }

    @Test func firstDispatchesDoNotExceedTheCapacityNorPassWhatWaits() async throws {
        try await QueueFixture.with { fixture in
            let (source, target) = (try await fixture.workspace(), try await fixture.workspace(capacity: 2))
            let older = try await fixture.item(target, "older")
            for _ in 0..<3 { _ = try await fixture.delegations.create(new(source, target)) }
            let claimed = try await fixture.claim([target])
            #expect(claimed.count == 2)
            #expect(claimed.first?.id == older)
            let statuses = "SELECT string_agg(status, ' ' ORDER BY created_at) FROM delegations"
            #expect(try await fixture.sql(statuses) == "dispatched queued queued")
        }
    }

    /// What exceeds this instance's capacity says nothing about the target.
    @Test func aFirstDispatchThatTheClaimantLeftIsNotPutOff() async throws {
        try await QueueFixture.with { fixture in
            let (source, target) = (try await fixture.workspace(), try await fixture.workspace(capacity: 3))
            try await fixture.beat(target, active: 3)
            for _ in 0..<3 { _ = try await fixture.delegations.create(new(source, target)) }
            let one = ClaimBounds(itemsEach: 1, bytes: 1 << 30)
            for _ in 0..<3 { #expect(try await fixture.claim([target], within: one).count == 1) }
        }
    }

    /// It was claimed once, and is reported as in progress: later plain messages must not hold it back for ever.
    @Test func aSecondFirstDispatchKeepsItsPosition() async throws {
        try await QueueFixture.with { fixture in
            let (source, target) = (try await fixture.workspace(), try await fixture.workspace())
            _ = try await fixture.delegations.create(new(source, target))
            let first = try await fixture.claim([target])[0]
            #expect(try await fixture.finish(first, .error(502)))
            try await fixture.release()
            try await fixture.beat(target)
            for number in 0..<3 { _ = try await fixture.item(target, "later \(number)") }
            #expect(try await fixture.claim([target]).map(\.id) == [first.id])
        }
    }

    @Test func aSecondFirstDispatchWaitsForNoReportEither() async throws {
        try await QueueFixture.with { fixture in
            let (source, target) = (try await fixture.workspace(), try await fixture.workspace())
            _ = try await fixture.delegations.create(new(source, target))
            #expect(try await fixture.finish(fixture.claim([target])[0], .error(502)))
            try await fixture.beat(target, active: 1)
            #expect(try await fixture.queue.claimable([target], busyPause: .seconds(24)).isEmpty)
            try await fixture.release()
            #expect(try await fixture.queue.due(within: .seconds(5)) == [target])
            #expect(try await fixture.queue.claimable([target], busyPause: .seconds(24)) == [target])
            #expect(try await fixture.claim([target]).map(\.phase) == [.firstDispatch(attempts: 1)])
        }
    }

    @Test func aSecondFirstDispatchThenFailure() async throws {
        try await QueueFixture.with { fixture in
            let (source, target) = (try await fixture.workspace(), try await fixture.workspace())
            let delegation = new(source, target)
            _ = try await fixture.delegations.create(delegation)
            #expect(try await fixture.finish(fixture.claim([target])[0], .unreachable))
            #expect(try await fixture.claim([target]).isEmpty)
            // No heartbeat brings it forward.
            try await fixture.beat(target)
            #expect(try await fixture.claim([target]).isEmpty)
            try await fixture.release()
            let second = try #require(try await fixture.claim([target]).first)
            #expect(second.phase == .firstDispatch(attempts: 1))
            #expect(try await fixture.finish(second, .unreachable))
            let failed = try #require(try await fixture.delegations.delegation(delegation.id, of: source))
            #expect(failed.status == .failed)
            #expect(failed.error == "failed to reach workspace agent")
        }
    }
}
