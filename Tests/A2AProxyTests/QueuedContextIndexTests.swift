import A2AProxy
import Foundation
import Postgres
import Testing
import TestSupport

/// An instance's cache of contexts with waiting messages, without a query for each message.
@Suite struct QueuedContextIndexTests {
    private static let add = Statement(
        "test_context",
        "INSERT INTO a2a_queue (workspace_id, body, context_id, delegation_id) VALUES ($1, '{}', $2, NULL)")
    private static let end = Statement("test_end", "UPDATE a2a_queue SET status = 'completed'")

    @Test func onlyTargetsWithWaitingItemsAreQueried() async throws {
        let database = try await SharedServers.postgres().makeMigratedDatabase("contexts")
        try await ProxyFixture.with(database) { proxy in
            let contexts = proxy.contexts
            let (target, other) = (UUID(), UUID())
            // Nothing is known before the first query.
            #expect(contexts.mayHaveMessages(for: target))
            try await contexts.refresh()
            #expect(!contexts.mayHaveMessages(for: target))

            // Stored by another instance, whose event did not arrive.
            for context in ["c", "d"] { _ = try await proxy.postgres.query(Self.add, [target, context]) }
            _ = try await proxy.postgres.query(Self.add, [other, nil as String?])
            #expect(try await !contexts.hasMessage(of: "c", for: target))
            try await contexts.refresh()
            #expect(try await contexts.hasMessage(of: "c", for: target))
            #expect(try await !contexts.hasMessage(of: "x", for: target))
            #expect(!contexts.mayHaveMessages(for: other))

            _ = try await proxy.postgres.query(Self.end)
            #expect(try await !contexts.hasMessage(of: "c", for: target))
            #expect(contexts.mayHaveMessages(for: target))
            try await contexts.refresh()
            #expect(!contexts.mayHaveMessages(for: target))
        }
    }

    @Test func eventsAndTheirLoss() async throws {
        let database = try await SharedServers.postgres().makeMigratedDatabase("contexts")
        try await ProxyFixture.with(database) { proxy in
            let contexts = proxy.contexts
            let (own, theirs, other) = (UUID(), UUID(), UUID())
            try await contexts.refresh()
            await contexts.stored(for: own)
            contexts.note(theirs)
            #expect(contexts.mayHaveMessages(for: own))
            #expect(contexts.mayHaveMessages(for: theirs))
            #expect(!contexts.mayHaveMessages(for: other))
            contexts.forget()
            #expect(contexts.mayHaveMessages(for: other))
            try await contexts.refresh()
            #expect(!contexts.mayHaveMessages(for: other))
        }
    }
}
