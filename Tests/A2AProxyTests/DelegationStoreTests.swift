import A2AProxy
import Concurrency
import Contracts
import EventOutbox
import Foundation
import HTTPCore
import Postgres
import Testing
import TestSupport

@Suite struct DelegationStoreTests {
    private func new(_ source: UUID, _ target: UUID, key: String? = nil) -> NewDelegation {
        NewDelegation(source: source, target: target, task: "do \"it\"", idempotencyKey: key, body: "{}")
    }

    private func made(_ outcome: DelegationMade) -> [String]? {
        if case .made(let events) = outcome { events.map(\.event.type) } else { nil }
    }

    @Test func aDelegationAndItsItemAreOne() async throws {
        try await QueueFixture.with { fixture in
            let (source, target) = (try await fixture.workspace(), try await fixture.workspace())
            let delegation = new(source, target)
            #expect(made(try await fixture.delegations.create(delegation)) == ["delegation.sent"])
            let item = try #require(try await fixture.claim([target]).first)
            #expect(item.delegation == delegation.id)
            #expect(item.caller == source)
            #expect(item.messageID == delegation.id.lowercased)
            #expect(item.phase == .firstDispatch(attempts: 0))
            #expect(try await fixture.delegations.delegation(delegation.id, of: source)?.status == .dispatched)
            #expect(try await fixture.finish(item, .ok()))
            let done = try #require(try await fixture.delegations.delegation(delegation.id, of: source))
            #expect(done.status == .completed)
            #expect(done.response == "done")
            let entries = try await fixture.delegations.entries(of: source)
            #expect(entries.map(\.status) == [.completed, .completed])
            #expect(entries.map(\.summary) == ["Delegation completed (done)", "Delegating to test"])
            #expect(entries[0].responsePreview == "done")
        }
    }

    @Test func theSameKeyIsTheSameDelegationUntilItFails() async throws {
        try await QueueFixture.with { fixture in
            let (source, target) = (try await fixture.workspace(), try await fixture.workspace())
            let first = new(source, target, key: "k")
            _ = try await fixture.delegations.create(first)
            guard
                case .existing(let id, _, let status) = try await fixture.delegations.create(
                    new(source, target, key: "k"))
            else { return #expect(Bool(false), "made twice") }
            #expect(id == first.id)
            #expect(status == .pending)
            #expect(try await fixture.sql("SELECT count(*) FROM a2a_queue") == "1")
            try await fixture.sql("UPDATE delegations SET status = 'failed'")
            #expect(made(try await fixture.delegations.create(new(source, target, key: "k"))) != nil)
        }
    }

    @Test func aKeyCountsAlsoWhenTheNewOneWouldFailAtOnce() async throws {
        try await QueueFixture.with { fixture in
            let (source, target) = (try await fixture.workspace(), try await fixture.workspace())
            let first = new(source, target, key: "k")
            _ = try await fixture.delegations.create(first)
            var second = new(source, target, key: "k")
            second.failure = "workspace budget limit exceeded"
            guard case .existing(first.id, _, .pending) = try await fixture.delegations.create(second) else {
                return #expect(Bool(false), "made twice")
            }
            #expect(try await fixture.sql("SELECT count(*) FROM delegations") == "1")
            try await fixture.sql("UPDATE delegations SET status = 'failed'")
            #expect(made(try await fixture.delegations.create(second)) == ["delegation.sent", "delegation.failed"])
            var keyless = new(source, target)
            keyless.failure = "x"
            #expect(made(try await fixture.delegations.create(keyless)) == ["delegation.sent", "delegation.failed"])
        }
    }

    @Test func whatItsSourceEndsIsDroppedWithIt() async throws {
        try await QueueFixture.with { fixture in
            let (source, target) = (try await fixture.workspace(), try await fixture.workspace())
            let delegation = new(source, target)
            _ = try await fixture.delegations.create(delegation)
            let events = try await fixture.delegations.update(
                delegation.id, of: source, to: .completed, error: nil, response: "done elsewhere")
            #expect(events.map(\.event.type).sorted() == ["a2a.dropped", "delegation.completed"])
            #expect(try await fixture.sql("SELECT status FROM a2a_queue") == "dropped")
            #expect(try await fixture.claim([target]).isEmpty)
            let other = new(source, target)
            _ = try await fixture.delegations.create(other)
            let stranger = try await fixture.delegations.update(
                other.id, of: target, to: .completed, error: nil, response: nil)
            #expect(stranger.isEmpty)
            #expect(try await fixture.claim([target]).count == 1)
        }
    }

    /// Its message is with the agent, which fails, or whose response is not received.
    @Test(arguments: [CallOutcome.error(502), .busy(.unavailable), .ok()])
    func whatItsSourceEndsIsNotDeliveredAgain(_ outcome: CallOutcome) async throws {
        try await QueueFixture.with { fixture in
            let (source, target) = (try await fixture.workspace(), try await fixture.workspace())
            let delegation = new(source, target)
            _ = try await fixture.delegations.create(delegation)
            let item = try #require(try await fixture.claim([target]).first)
            let events = try await fixture.delegations.update(
                delegation.id, of: source, to: .failed, error: "not needed", response: nil)
            #expect(events.map(\.event.type) == ["delegation.failed"])
            #expect(try await fixture.status(item.id) == "dispatched")
            #expect(try await fixture.finish(item, outcome))
            let isDelivered = if case .responded(let response) = outcome { response.status.isSuccess } else { false }
            let ended = try #require(try await fixture.queue.item(item.id))
            #expect(ended.status == (isDelivered ? .completed : .dropped))
            #expect(ended.lastError == (isDelivered ? nil : "ended by its source"))
            #expect(ended.completedAt != nil)
            let types = "SELECT string_agg(type, ' ' ORDER BY sequence) FROM structure_events WHERE type LIKE 'a2a.%'"
            #expect(try await fixture.sql(types) == (isDelivered ? "a2a.completed" : "a2a.dropped"))
            #expect(try await fixture.delegations.delegation(delegation.id, of: source)?.error == "not needed")
        }
    }

    @Test func whatItsSourceEndsIsNotDeliveredAgainByAnotherInstance() async throws {
        try await QueueFixture.with { fixture in
            let (source, target) = (try await fixture.workspace(), try await fixture.workspace())
            let delegation = new(source, target)
            _ = try await fixture.delegations.create(delegation)
            let item = try #require(try await fixture.claim([target]).first)
            _ = try await fixture.delegations.update(
                delegation.id, of: source, to: .completed, error: nil, response: nil)
            try await fixture.queue.handBack([ItemLease(item: item.id, claimNumber: item.claimNumber)])
            #expect(try await fixture.claim([target], owner: "two").isEmpty)
        }
    }

    private static let holdDelegations = Statement("test_hold_delegations", "SELECT FROM delegations FOR UPDATE")
    private static let holdVitals = Statement("test_hold_vitals", "SELECT FROM workspace_vitals FOR UPDATE")

    /// The end, or the outcome, has locked the item and waits for its next step; the other waits for the lock.
    @Test(arguments: [true, false]) func whatItsSourceEndsAsItsCallFailsIsNotDeliveredAgain(
        _ isEndedFirst: Bool
    ) async throws {
        try await QueueFixture.with { fixture in
            let (source, target) = (try await fixture.workspace(), try await fixture.workspace())
            let delegation = new(source, target)
            _ = try await fixture.delegations.create(delegation)
            let item = try #require(try await fixture.claim([target]).first)
            let end: @Sendable () async throws -> Void = {
                _ = try await fixture.delegations.update(
                    delegation.id, of: source, to: .failed, error: "not needed", response: nil)
            }
            let finish: @Sendable () async throws -> Void = {
                while true {
                    do {
                        return #expect(try await fixture.finish(item, .error(502)))
                    } catch {
                        guard (error as? PostgresError)?.isLockTimeout == true else { throw error }
                    }
                }
            }
            // One that waits for too long lets the other go first.
            let ends = [Gate(), Gate()]
            let (first, second) = isEndedFirst ? (end, finish) : (finish, end)
            let calls = try await fixture.postgres.transaction(deadline: .seconds(120)) { transaction in
                _ = try await transaction.query(isEndedFirst ? Self.holdDelegations : Self.holdVitals)
                var calls: [Task<Void, any Error>] = []
                for (call, end) in zip([first, second], ends) {
                    let task = Task {
                        defer { end.open() }
                        try await call()
                    }
                    calls.append(task)
                    try await eventually("\(calls.count) to wait") {
                        try await transaction.waiters() + ends.count(where: \.isOpen) >= calls.count
                    }
                }
                return calls
            }
            for call in calls { try await call.value }
            #expect(try await fixture.status(item.id) == "dropped")
        }
    }

    @Test func manyAtOnceWithOneKeyMakeOne() async throws {
        try await QueueFixture.with { fixture in
            let (source, target) = (try await fixture.workspace(), try await fixture.workspace())
            let count = try await withThrowingTaskGroup(of: Bool.self) { group in
                for _ in 0..<12 {
                    group.addTask { made(try await fixture.delegations.create(new(source, target, key: "k"))) != nil }
                }
                return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(count == 1)
        }
    }

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

    @Test func failsWithItsItem() async throws {
        try await QueueFixture.with { fixture in
            let (source, target) = (try await fixture.workspace(), try await fixture.workspace())
            let delegation = new(source, target)
            _ = try await fixture.delegations.create(delegation)
            let item = try #require(try await fixture.delegations.delegation(delegation.id, of: source)?.queueID)
            let dropped = try await fixture.queue.drop(item, of: target, reason: "cancelled")
            #expect(dropped.events.map(\.event.type).sorted() == ["a2a.dropped", "delegation.failed"])
            #expect(try await fixture.delegations.delegation(delegation.id, of: source)?.error == "cancelled")
        }
    }

    @Test func recordsAndUpdatesWhatAgentsSendThemselves() async throws {
        try await QueueFixture.with { fixture in
            let (source, target) = (try await fixture.workspace(), try await fixture.workspace())
            let delegation = new(source, target)
            #expect(try await fixture.delegations.record(delegation).count == 1)
            #expect(try await fixture.delegations.record(delegation).isEmpty)
            #expect(try await fixture.sql("SELECT count(*) FROM a2a_queue") == "0")
            let events = try await fixture.delegations.update(
                delegation.id, of: source, to: .completed, error: nil, response: "all done")
            #expect(events.map(\.event.type) == ["delegation.completed"])
            let again = try await fixture.delegations.update(
                delegation.id, of: source, to: .failed, error: "late", response: nil)
            #expect(again.isEmpty)
            #expect(try await fixture.delegations.entries(of: source).first?.responsePreview == "all done")
        }
    }

    @Test func aRecordedDelegationGetsTheResponseOfItsQueuedMessage() async throws {
        try await QueueFixture.with { fixture in
            let (source, target) = (try await fixture.workspace(), try await fixture.workspace())
            let delegation = new(source, target)
            _ = try await fixture.delegations.record(delegation)
            func message(from sender: UUID, _ key: String) -> NewItem {
                NewItem(
                    workspace: target, caller: sender, method: "message/send", body: "{}", messageID: key,
                    delegation: delegation.id)
            }
            // The same message of another sender is not taken for it.
            _ = try await fixture.queue.enqueue([message(from: target, "forged")])
            #expect(try await fixture.delegations.delegation(delegation.id, of: source)?.status == .dispatched)
            _ = try await fixture.queue.enqueue([message(from: source, "true")])
            #expect(try await fixture.delegations.delegation(delegation.id, of: source)?.status == .queued)
            try await fixture.sql("DELETE FROM a2a_queue WHERE idempotency_key = 'forged'")
            try await fixture.beat(target)
            let item = try #require(try await fixture.claim([target]).first)
            #expect(item.phase == .queued)
            #expect(try await fixture.finish(item, .ok()))
            #expect(try await fixture.delegations.delegation(delegation.id, of: source)?.response == "done")
        }
    }

    private func isRetried(_ item: UUID, _ fixture: QueueFixture) async throws -> QueueStore.Retried {
        try await fixture.sql("UPDATE a2a_queue SET status = 'failed' WHERE id = '\(item)'")
        return try await fixture.queue.retry(item)
    }

    @Test func isTriedOnceMoreUnlessItsSourceEndedIt() async throws {
        try await QueueFixture.with { fixture in
            let (source, target) = (try await fixture.workspace(), try await fixture.workspace())
            for end in [nil, .failed, .completed] as [DelegationStatus?] {
                let delegation = new(source, target)
                _ = try await fixture.delegations.create(delegation)
                let item = try #require(try await fixture.claim([target]).first)
                if let end {
                    // Its message is with the agent.
                    _ = try await fixture.delegations.update(
                        delegation.id, of: source, to: end, error: "x", response: nil)
                } else {
                    #expect(try await fixture.finish(item, .error(500)))
                }
                switch try await isRetried(item.id, fixture) {
                case .queued:
                    #expect(end == nil)
                    #expect(try await fixture.delegations.delegation(delegation.id, of: source)?.status == .queued)
                case .delegationEnded(let status): #expect(end != nil && status == end)
                case let other: Issue.record("\(other)")
                }
                try await fixture.sql("DELETE FROM a2a_queue")
            }
            let gone = new(source, target)
            _ = try await fixture.delegations.create(gone)
            let item = try #require(try await fixture.claim([target]).first)
            try await fixture.sql("DELETE FROM delegations WHERE id = '\(gone.id)'")
            guard case .delegationEnded(nil) = try await isRetried(item.id, fixture) else {
                Issue.record("no caller waits for it")
                return
            }
        }
    }

    @Test(arguments: ["UPDATE workspaces SET status = 'removed'", "DELETE FROM workspaces"])
    func nothingIsRetriedForWhoIsGone(_ end: String) async throws {
        try await QueueFixture.with { fixture in
            let workspace = try await fixture.workspace()
            let item = try await fixture.item(workspace, "m")
            try await fixture.sql(end)
            guard case .workspaceRemoved = try await isRetried(item, fixture) else {
                Issue.record("there is no target to deliver it to")
                return
            }
            #expect(try await fixture.status(item) == "failed")
            guard case .unknown = try await fixture.queue.retry(UUID()) else {
                Issue.record("there is no such item")
                return
            }
        }
    }

    @Test func anUndeliverableOneFailsAtOnce() async throws {
        try await QueueFixture.with { fixture in
            let (source, target) = (try await fixture.workspace(), try await fixture.workspace())
            var delegation = new(source, target)
            delegation.failure = "workspace has no URL"
            #expect(made(try await fixture.delegations.create(delegation)) == ["delegation.sent", "delegation.failed"])
            #expect(try await fixture.sql("SELECT count(*) FROM a2a_queue") == "0")
            #expect(try await fixture.delegations.entries(of: source).first?.error == "workspace has no URL")
        }
    }
}
