import A2AProxy
import Concurrency
import Contracts
import EventOutbox
import Foundation
import HTTPCore
import Postgres
import Testing
import TestSupport

/// Making and recording delegations.
@Suite struct DelegationStoreTests {
    func new(_ source: UUID, _ target: UUID, key: String? = nil) -> NewDelegation {
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
