import Concurrency
import A2AProxy
import Contracts
import EventOutbox
import Foundation
import HTTPCore
import Postgres
import Testing
import TestSupport

/// What becomes of a delegation's message when it is ended, by its source or otherwise, and whether it may be tried again.
extension DelegationStoreTests {
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
}
