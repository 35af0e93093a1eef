import A2AProxy
import AMQPClient
import EventOutbox
import Foundation
import Observability
import Testing

@Suite struct FinisherTests {
    /// One that the database does not take costs its neighbours nothing, and itself its text alone.
    @Test func neighboursKeepTheirAnswers() async throws {
        try await QueueFixture.with { fixture in
            try await fixture.sql("ALTER TABLE a2a_queue ADD CONSTRAINT test_poison CHECK (response <> 'poison')")
            let publisher = try AMQPPublisher(
                urls: "amqp://127.0.0.1:1", topology: AMQPTopology([]), logger: .disabled, metrics: MetricsRegistry())
            let finisher = Finisher(
                store: fixture.queue,
                relay: EventRelay(
                    postgres: fixture.postgres, publisher: publisher, logger: .disabled, metrics: MetricsRegistry()),
                loops: QueueFixture.loops, logger: .disabled)
            let workspace = try await fixture.workspace(room: 20)
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
            let answers = "SELECT string_agg(response, ' ' ORDER BY response) FROM a2a_queue WHERE status = 'completed'"
            let lost = Array(repeating: "\"the answer could not be stored\"", count: 4)
            #expect(
                try await fixture.sql(answers) == (lost + Array(repeating: "answer", count: 16)).joined(separator: " "))
        }
    }
}
