import A2AProxy
import Foundation
import HTTPCore
import Postgres
import TestSupport
import UVLoop

/// A database of its own with a few workspaces, and the store under test.
struct QueueFixture: Sendable {
    static let loops = EventLoopGroup(count: 2)

    let postgres: PostgresPool
    let queue: QueueStore
    let delegations: DelegationStore

    /// Runs a test with a fixture.
    static func with(_ body: (QueueFixture) async throws -> Void) async throws {
        let pool = PostgresPool(
            url: try await SharedServers.postgres().makeMigratedDatabase("queue"), group: loops,
            configuration: .unhurried)
        let fixture = QueueFixture(
            postgres: pool, queue: QueueStore(postgres: pool, source: "switchyard/a2a-proxy"),
            delegations: DelegationStore(postgres: pool, source: "switchyard/a2a-proxy"))
        do {
            try await body(fixture)
        } catch {
            await pool.close()
            throw error
        }
        await pool.close()
    }

    private static let make = Statement(
        "test_make",
        """
        WITH made AS (
          INSERT INTO workspaces (id, name, status, url, max_concurrent_tasks)
          VALUES ($1, 'test', 'online', 'http://agent.example', $2) RETURNING id)
        INSERT INTO workspace_vitals (workspace_id, last_heartbeat_at) SELECT id, CASE WHEN $3 THEN now() END FROM made
        """)

    /// A reachable workspace.
    ///
    /// - Parameter heartbeats: whether it ever sent a heartbeat.
    func workspace(capacity: Int = 1, heartbeats: Bool = true) async throws -> UUID {
        let id = UUID()
        _ = try await postgres.query(Self.make, [id, capacity, heartbeats])
        return id
    }

    private static let fill = Statement(
        "test_fill",
        """
        INSERT INTO a2a_queue (workspace_id, body, idempotency_key, priority, context_id, enqueued_at)
        VALUES ($1, '{}', $2, $3, $4, clock_timestamp()) RETURNING id
        """)

    /// An item that waits for nothing but capacity.
    func item(_ workspace: UUID, _ key: String, priority: Int = 50, context: String? = nil) async throws -> UUID {
        try await postgres.query(Self.fill, [workspace, key, priority, context])[0].uuid(0)
    }

    /// Claims as one instance does; returns the message ids in the order they will go.
    func claim(
        _ workspaces: [UUID], owner: String = "one",
        within bounds: ClaimBounds = ClaimBounds(itemsEach: 1000, bytes: 1 << 30)
    ) async throws -> [ClaimedItem] {
        try await queue.claim(
            workspaces, within: bounds, owner: owner, lease: .seconds(30), busyPause: .seconds(24)
        ).items
    }

    func finish(
        _ item: ClaimedItem, _ outcome: CallOutcome, rules: QueueRules = QueueRules()
    ) async throws -> Bool {
        let verdict = rules.verdict(on: outcome, for: item.facts)
        var finished = FinishedItem(
            id: item.id, workspace: item.workspace, claimNumber: item.claimNumber, verdict: verdict)
        finished.delegation =
            item.delegation == nil
            ? nil : DelegationOutcomeRule.change(phase: item.phase, verdict: verdict, outcome: outcome)
        if case .responded(let response) = outcome {
            finished.hasResponse = true
            if verdict.next == .completed { finished.response = StoredBody(response.body) }
        }
        return try await queue.finish([finished]).accepted[0]
    }

    /// Plain SQL; the first column of the first row as text.
    @discardableResult
    func sql(_ text: String) async throws -> String? {
        let rows = try await postgres.query(Statement("", text))
        return rows.first.flatMap { $0.optionalString(0) }
    }

    func status(_ item: UUID) async throws -> String? {
        try await sql("SELECT status FROM a2a_queue WHERE id = '\(item)'")
    }

    /// The time that items are held for is over.
    func release() async throws {
        try await sql("UPDATE a2a_queue SET held_until = now() - interval '1 second' WHERE held_until IS NOT NULL")
    }

    /// A heartbeat as the registry writes it.
    func beat(_ workspace: UUID, active: Int = 0) async throws {
        try await sql(
            """
            UPDATE workspace_vitals SET last_heartbeat_at = clock_timestamp(), active_tasks = \(active)
            WHERE workspace_id = '\(workspace)'
            """)
    }
}

extension CallOutcome {
    static func ok(_ text: String = #"{"result":{"parts":[{"kind":"text","text":"done"}]}}"#) -> CallOutcome {
        .responded(AgentResponse(status: 200, contentType: nil, body: Array(text.utf8)))
    }

    static func error(_ status: Int) -> CallOutcome {
        .responded(AgentResponse(status: .init(status), contentType: nil, body: Array(#"{"error":"boom"}"#.utf8)))
    }
}

extension Transaction {
    private static let forget = Statement("test_forget_activity", "SELECT pg_stat_clear_snapshot()")
    private static let waiting = Statement(
        "test_waiting",
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()")

    /// How many sessions wait for a lock, queried by its holder: another connection of the pool might have to wait
    /// behind one of them.
    func waiters() async throws -> Int {
        try await query([Call(Self.forget), Call(Self.waiting)])[1][0].int(0)
    }
}
