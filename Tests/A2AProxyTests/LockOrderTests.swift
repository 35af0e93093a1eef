import A2AProxy
import Authentication
import Concurrency
import Foundation
import Observability
import Postgres
import Redis
import Testing
import TestSupport
import UVLoop

@Suite("Order of locks") struct LockOrderTests {
    private static let lock = Statement(
        "test_lock", "SELECT 1 FROM workspace_vitals WHERE workspace_id = $1 FOR UPDATE")
    private static let free = Statement(
        "test_free",
        """
        SELECT count(*) FROM (
          SELECT FROM workspace_vitals WHERE workspace_id = ANY ($1) FOR UPDATE SKIP LOCKED) AS free
        """)

    /// Who waits for the first of several rows must not hold those behind it: another, which holds one of them and comes
    /// to the first, would stop it, and both what stands behind them in their pipelines.
    @Test("Liveness updates lock vitals in the order of the ids, in whichever order the rows are")
    func livenessUpdates() async throws {
        try await QueueFixture.with { fixture in
            var workspaces: [UUID] = []
            for _ in 0..<20 { workspaces.append(try await fixture.workspace()) }
            workspaces.sort { $0.uuidString < $1.uuidString }
            // Written again last to first, so that the table has the rows in that order.
            for id in workspaces.reversed() {
                _ = try await fixture.postgres.query(
                    Statement("test_move", "UPDATE workspace_vitals SET last_seen_at = NULL WHERE workspace_id = $1"),
                    [id])
            }
            let redis = try RedisClient(
                url: try await SharedServers.redis().url, group: QueueFixture.loops, logger: .disabled,
                metrics: MetricsRegistry())
            let signs = LivenessTracker(postgres: fixture.postgres, redis: redis, logger: .disabled)
            let ids = workspaces
            try await fixture.postgres.transaction { transaction in
                _ = try await transaction.query(Self.lock, [ids[0]])
                for id in ids { signs.record(id) }
                try await eventually("the signs wait for the first row") { try await transaction.waiters() > 0 }
                let free = try await transaction.query(Self.free, [Array(ids.dropFirst())])[0].int(0)
                #expect(free == ids.count - 1)
            }
        }
    }

    private static let lockDelegation = Statement(
        "test_lock_delegation", "SELECT 1 FROM delegations WHERE id = $1 FOR UPDATE")
    private static let freeDelegations = Statement(
        "test_free_delegations", "SELECT count(*) FROM (SELECT FROM delegations FOR UPDATE SKIP LOCKED) AS free")

    /// Who writes several delegations in one statement.
    enum Writer: CaseIterable, Sendable {
        case claim, putOff, finish, dropStale, enqueue, cancelMany, retryMany
    }

    /// - Parameter ids: of delegations, in the order in which the statement comes to them.
    /// - Returns: the statement, ready to be run.
    private func make(
        _ writer: Writer, _ ids: [UUID], _ fixture: QueueFixture
    ) async throws -> @Sendable () async throws -> Void {
        let source = try await fixture.workspace()
        let target = try await fixture.workspace(capacity: writer == .putOff ? 1 : ids.count)
        if writer == .putOff {
            _ = try await fixture.item(target, "runs")
            _ = try await fixture.claim([target])
        }
        for id in ids {
            var delegation = NewDelegation(source: source, target: target, task: "x", body: "{}")
            delegation.id = id
            if writer == .enqueue {
                _ = try await fixture.delegations.record(delegation)
            } else {
                _ = try await fixture.delegations.create(delegation)
            }
        }
        switch writer {
        case .claim, .putOff:
            return { _ = try await fixture.claim([target]) }
        case .finish:
            let items = try await fixture.claim([target]).map { item in
                let verdict = QueueRules().verdict(on: .error(500), for: item.facts)
                var finished = FinishedItem(
                    id: item.id, workspace: target, claimNumber: item.claimNumber, verdict: verdict)
                finished.delegation = DelegationOutcomeRule.change(
                    phase: item.phase, verdict: verdict, outcome: .error(500))
                return finished
            }
            return { _ = try await fixture.queue.finish(items) }
        case .dropStale:
            return { _ = try await fixture.queue.dropStale(minutes: 0, of: target, reason: "x") }
        case .cancelMany, .retryMany:
            if writer == .retryMany {
                try await fixture.sql("UPDATE delegations SET status = 'failed'")
                try await fixture.sql("UPDATE a2a_queue SET status = 'failed', completed_at = now()")
            }
            let store = FleetQueueStore(queue: fixture.queue)
            return {
                var filter = FleetQueueFilter()
                filter.target = target
                let change: QueueChange = writer == .retryMany ? .retry : .cancel
                _ = try await store.change(change, filter, after: nil, limit: FleetQueueStore.piece)
            }
        case .enqueue:
            let items = ids.map { id in
                NewItem(
                    workspace: target, caller: source, method: "message/send", body: "{}", messageID: nil,
                    delegation: id, targetIsBusy: false)
            }
            return { _ = try await fixture.queue.enqueue(items) }
        }
    }

    @Test(
        "Delegations are locked in the order of the ids, whatever the order of their items", arguments: Writer.allCases)
    func delegations(_ writer: Writer) async throws {
        try await QueueFixture.with { fixture in
            let ids = (0..<20).map { _ in UUID() }.sorted { $0.uuidString > $1.uuidString }
            let (write, hasEnded) = (try await make(writer, ids, fixture), Gate())
            let writing = try await fixture.postgres.transaction(deadline: .seconds(120)) { transaction in
                _ = try await transaction.query(Self.lockDelegation, [ids[19]])
                let writing = Task {
                    defer { hasEnded.open() }
                    while true {
                        do { return try await write() } catch {
                            guard (error as? PostgresError)?.isLockTimeout == true else { throw error }
                        }
                    }
                }
                try await eventually("it to wait for the first row") {
                    if hasEnded.isOpen { return true }
                    return try await transaction.waiters() > 0
                }
                #expect(try await transaction.query(Self.freeDelegations)[0].int(0) == ids.count)
                return writing
            }
            try await writing.value
        }
    }
}
