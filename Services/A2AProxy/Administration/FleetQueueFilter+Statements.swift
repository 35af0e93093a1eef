import Contracts
import Foundation
import Postgres

extension FleetQueueFilter {
    /// The values of `$1` to `$9`.
    ///
    /// - Parameter possible: the states that the statement applies to.
    func parameters(in possible: [QueueState] = QueueState.allCases) -> [any PostgresEncodable] {
        var sender: UUID?
        if case .workspace(let id) = caller { sender = id }
        let wanted = states.map { Set($0) } ?? Set(QueueState.allCases)
        return [
            ids, target, sender, caller == .console, method, olderThan, minAttempts.flatMap { $0 > 0 ? $0 : nil }, text,
            possible.filter { wanted.contains($0) }.map(\.rawValue),
        ]
    }

    /// The workspaces whose name contains the text, for ``condition``.
    static let named = """
        named AS MATERIALIZED (
          SELECT w.id FROM workspaces w WHERE $8::text IS NOT NULL AND strpos(lower(w.name), lower($8)) > 0)
        """

    /// Whether an item `q` matches, whatever its state. The statements are planned for each set of values, so that
    /// unused conditions are removed and an index-only scan suffices.
    static let condition = """
        ($1::uuid[] IS NULL OR q.id = ANY ($1)) AND ($2::uuid IS NULL OR q.workspace_id = $2)
          AND ($3::uuid IS NULL OR q.caller_id = $3)
          AND (NOT $4::boolean OR q.caller_id IS NULL AND q.schedule_id IS NULL)
          AND ($5::text IS NULL OR q.method = $5)
          AND q.enqueued_at <= now() - make_interval(secs => coalesce($6::float8, -86400))
          AND ($7::int IS NULL OR q.attempts >= $7)
          AND ($8::text IS NULL OR q.workspace_id IN (SELECT id FROM named) OR q.caller_id IN (SELECT id FROM named)
            OR strpos(lower(coalesce(q.last_error, '')), lower($8)) > 0 OR starts_with(q.id::text, lower($8))
            OR starts_with(substr(coalesce(q.traceparent, ''), 4, 32), lower($8)))
        """
}

extension QueueState {
    /// Whether an item `q` is in the state: the predicate of the partial index for it.
    var condition: String {
        switch self {
        case .waiting: "q.status = 'queued' AND q.attempts = 0 AND q.refusals = 0"
        case .retrying: "q.status = 'queued' AND (q.attempts > 0 OR q.refusals > 0)"
        case .running: "q.status = 'dispatched'"
        case .delivered: "q.status = 'completed'"
        case .failed: "q.status = 'failed'"
        case .dropped: "q.status = 'dropped'"
        }
    }

    /// The items of several states, one subquery for each, which uses its own index and is not executed unless the
    /// state is requested (`$9`).
    ///
    /// - Parameters:
    ///   - rest: further conditions, the order and the limit of each subquery.
    static func items(in states: [QueueState], _ rest: String) -> String {
        states.map { state in
            """
            (SELECT q.enqueued_at, q.id FROM a2a_queue q
             WHERE '\(state.rawValue)' = ANY ($9::text[]) AND \(state.condition)
               AND \(FleetQueueFilter.condition) \(rest))
            """
        }.joined(separator: "\nUNION ALL\n")
    }
}
