import A2AProxy
import AMQP
import Contracts
import EventOutbox
import Foundation
import Observability
import Testing

@Suite struct FinisherTests {
    private static let publisher = Result {
        try AMQPPublisher(
            urls: "amqp://127.0.0.1:1", topology: AMQPTopology([]), logger: .disabled, metrics: MetricsRegistry())
    }

    private func finisher(_ fixture: QueueFixture) throws -> OutcomeWriter {
        OutcomeWriter(
            store: fixture.queue,
            relay: EventRelay(
                postgres: fixture.postgres, publisher: try Self.publisher.get(), logger: .disabled,
                metrics: MetricsRegistry()),
            loops: QueueFixture.loops, logger: .disabled, pause: .milliseconds(1))
    }

    /// What the database will never take ends as failed, once and for all, and its delegation with it; where even that is
    /// refused with what follows from it, without an event.
    @Test(arguments: [
        "ALTER TABLE a2a_queue ADD CONSTRAINT test_poison CHECK (status <> 'completed')",
        "ALTER TABLE structure_events ADD CONSTRAINT test_poison CHECK (false) NOT VALID",
    ])
    func aRefusalThatStaysFailsTheItem(_ fault: String) async throws {
        try await QueueFixture.with { fixture in
            let (source, target) = (try await fixture.workspace(), try await fixture.workspace())
            let delegation = NewDelegation(source: source, target: target, task: "t", body: "{}")
            _ = try await fixture.delegations.create(delegation)
            let item = try #require(try await fixture.claim([target]).first)
            try await fixture.sql(fault)
            var finished = FinishedItem(
                id: item.id, workspace: target, claimNumber: item.claimNumber,
                verdict: QueueRules().verdict(on: .ok(), for: item.facts))
            finished.response = StoredBody(Array("answer".utf8))
            finished.delegation = DelegationChange()
            finished.delegation?.status = "completed"
            let isWritten = try await finisher(fixture).finish(finished) { true }
            #expect(!isWritten)
            #expect(try await fixture.status(item.id) == "failed")
            #expect(try await fixture.sql("SELECT last_error FROM a2a_queue") == OutcomeWriter.lost)
            let stored = try await fixture.delegations.delegation(delegation.id, of: source)
            #expect(stored?.status == .failed)
            #expect(try await fixture.claim([target]).isEmpty)
        }
    }

    /// One that the database does not take costs its neighbours nothing, and itself its text alone.
    @Test func neighboursKeepTheirResponses() async throws {
        try await QueueFixture.with { fixture in
            try await fixture.sql("ALTER TABLE a2a_queue ADD CONSTRAINT test_poison CHECK (response <> 'poison')")
            let finisher = try finisher(fixture)
            let workspace = try await fixture.workspace(capacity: 20)
            for key in 0..<20 { _ = try await fixture.item(workspace, "\(key)") }
            let items = try await fixture.claim([workspace])
            #expect(items.count == 20)
            let accepted = await withTaskGroup(of: Bool.self) { group in
                for (number, item) in items.enumerated() {
                    group.addTask {
                        var finished = FinishedItem(
                            id: item.id, workspace: workspace, claimNumber: item.claimNumber,
                            verdict: QueueRules().verdict(on: .ok(), for: item.facts))
                        finished.response = StoredBody(Array((number % 5 == 0 ? "poison" : "answer").utf8))
                        return await finisher.finish(finished) { true }
                    }
                }
                return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
            }
            #expect(accepted == 20)
            let completed =
                "SELECT string_agg(response, ' ' ORDER BY response) FROM a2a_queue WHERE status = 'completed'"
            let unstored = Array(repeating: "\"the response could not be stored\"", count: 4)
            #expect(
                try await fixture.sql(completed)
                    == (unstored + Array(repeating: "answer", count: 16)).joined(separator: " "))
        }
    }
}
