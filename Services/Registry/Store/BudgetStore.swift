import Contracts
import EventOutbox
import Foundation
import JSONBytes
import Postgres

/// The statements about monthly ceilings, in cents.
struct BudgetStore: Sendable {
    let postgres: PostgresPool
    let source: String

    private static let get = Statement(
        "budget_get",
        "SELECT budget_limit, monthly_spend FROM workspaces WHERE id = $1 AND status <> 'removed'")

    /// The budget; `nil` for a workspace that is unknown or removed.
    func get(_ id: UUID) async throws(PostgresError) -> Budget? {
        try await postgres.query(Self.get, [id]).first { Self.budget($0) }
    }

    private static let set = Statement(
        "budget_set",
        """
        WITH changed AS (
            UPDATE workspaces SET budget_limit = $2, updated_at = now() WHERE id = $1 AND status <> 'removed'
            RETURNING id, name, budget_limit, monthly_spend
        ), event AS (
            INSERT INTO structure_events (type, workspace_id, source, data, traceparent)
            SELECT 'workspace.updated', id, $3, event_workspace_updated(name, ARRAY['budget_limit']), $4 FROM changed
            RETURNING \(CommittedEvent.columns)
        )
        SELECT changed.budget_limit, changed.monthly_spend, event.* FROM changed, event
        """)

    /// Sets the ceiling.
    ///
    /// - Parameter limit: cents; `nil` for none.
    /// - Returns: the budget and the event that makes the proxies look again; `nil` as for `get`.
    func set(
        _ id: UUID, limit: Int64?, traceparent: String?
    ) async throws(PostgresError) -> (budget: Budget, event: CommittedEvent?)? {
        try await postgres.query(Self.set, [id, limit, source, traceparent]).first { row in
            (Self.budget(row), CommittedEvent(row: row, firstColumn: 2))
        }
    }

    private static func budget(_ row: PostgresRow) -> Budget {
        let limit = row.optionalInt(0).map { Int64($0) }
        let spend = Int64(row.int(1))
        // Negative once more was spent than was meant to be.
        return Budget(budgetLimit: limit, monthlySpend: spend, budgetRemaining: limit.map { $0 - spend })
    }
}
