import Contracts
import EventOutbox
import Foundation
import Postgres

/// A delegation to be made.
package struct NewDelegation: Sendable {
    package var id = UUID()
    package var source: UUID
    package var target: UUID
    package var task: String
    package var idempotencyKey: String?
    /// The JSON-RPC request for the target.
    package var body: String
    package var traceparent: String?
    /// Why it fails at once: there is nobody to send it to, and nobody will come.
    package var failure: String?

    package init(source: UUID, target: UUID, task: String, idempotencyKey: String? = nil, body: String = "") {
        self.source = source
        self.target = target
        self.task = task
        self.idempotencyKey = idempotencyKey
        self.body = body
    }
}

/// What came of it.
package enum DelegationMade: Sendable {
    case made([CommittedEvent])
    /// The same key from the same source is this delegation already.
    case existing(id: UUID, target: UUID, status: DelegationStatus)

    /// It has not come to its end.
    var isUnderWay: Bool {
        if case .existing(_, _, let status) = self { !status.isFinal } else { true }
    }
}

/// The statements about delegations that are not about their queue items' outcomes.
package struct DelegationStore: Sendable {
    let postgres: PostgresPool
    let source: String

    package init(postgres: PostgresPool, source: String) {
        self.postgres = postgres
        self.source = source
    }

    /// A failed row is not in the index of the keys: that its key is another's already has to be asked for.
    private static let create = Statement(
        "delegation_create",
        """
        WITH made AS (
          INSERT INTO delegations (id, source_id, target_id, task, idempotency_key, queue_id, traceparent, status, error,
            created_at, result_at, completed_at)
          SELECT $1::uuid, $2::uuid, $3::uuid, $4::text, $5::text, CASE WHEN $8::text IS NULL THEN gen_random_uuid() END,
            $7::text, CASE WHEN $8 IS NULL THEN 'pending' ELSE 'failed' END, $8, clock_timestamp(),
            CASE WHEN $8 IS NOT NULL THEN clock_timestamp() END, CASE WHEN $8 IS NOT NULL THEN clock_timestamp() END
          WHERE $8 IS NULL OR NOT EXISTS (
            SELECT FROM delegations d WHERE d.source_id = $2 AND d.idempotency_key = $5 AND d.status <> 'failed')
          ON CONFLICT (source_id, idempotency_key) WHERE idempotency_key IS NOT NULL AND status <> 'failed' DO NOTHING
          RETURNING id, source_id, target_id, task, queue_id, traceparent, error),
        item AS (
          INSERT INTO a2a_queue (id, workspace_id, caller_id, method, body, idempotency_key, delegation_id, traceparent,
            first_dispatch)
          SELECT queue_id, target_id, source_id, 'message/send', $6, id::text, id, traceparent, true FROM made
          WHERE error IS NULL)
        INSERT INTO structure_events (type, workspace_id, source, data, traceparent)
        SELECT 'delegation.' || step.name, source_id, $9,
          event_delegation(id, target_id, step.status, task, error => error), traceparent
        FROM made CROSS JOIN (VALUES (1, 'sent', 'pending'), (2, 'failed', 'failed')) AS step (n, name, status)
        WHERE step.name = 'sent' OR error IS NOT NULL
        ORDER BY step.n
        RETURNING \(CommittedEvent.columns)
        """)

    private static let existing = Statement(
        "delegation_existing",
        """
        SELECT id, target_id, status FROM delegations
        WHERE source_id = $1 AND idempotency_key = $2 AND status <> 'failed'
        """)

    /// Makes a delegation and the queue item that carries it, in one transaction.
    package func create(_ new: NewDelegation) async throws(PostgresError) -> DelegationMade {
        while true {
            let rows = try await postgres.query(
                Self.create,
                [
                    new.id, new.source, new.target, new.task, new.idempotencyKey, new.body, new.traceparent,
                    new.failure, source,
                ])
            if !rows.isEmpty { return .made(try rows.compactMap { CommittedEvent(row: $0) }) }
            let found = try await postgres.query(Self.existing, [new.source, new.idempotencyKey]).first { row in
                DelegationMade.existing(
                    id: row.uuid(0), target: row.uuid(1), status: DelegationStatus(rawValue: row.string(2)) ?? .pending)
            }
            if let found { return found }
            // The earlier one failed between the two statements: its key is free now.
        }
    }

    private static let record = Statement(
        "delegation_record",
        """
        WITH made AS (
          INSERT INTO delegations (id, source_id, target_id, task, status, recorded, traceparent)
          VALUES ($1, $2, $3, $4, 'dispatched', true, $5) ON CONFLICT (id) DO NOTHING
          RETURNING id, source_id, target_id, task, traceparent)
        INSERT INTO structure_events (type, workspace_id, source, data, traceparent)
        SELECT 'delegation.sent', source_id, $6, event_delegation(id, target_id, 'dispatched', task), traceparent
        FROM made
        RETURNING \(CommittedEvent.columns)
        """)

    /// Keeps the record of what an agent sent itself.
    ///
    /// - Returns: the events; none when there is a delegation of this id already.
    package func record(_ new: NewDelegation) async throws(PostgresError) -> [CommittedEvent] {
        try await postgres.query(
            Self.record, [new.id, new.source, new.target, new.task, new.traceparent, source]
        ).compactMap { CommittedEvent(row: $0) }
    }

    /// The item is locked first, as by everyone who changes both. One that is being delivered expires at once, so that
    /// nothing puts it back into the queue.
    private static let update = Statement(
        "delegation_update",
        """
        WITH item AS MATERIALIZED (
          SELECT q.id, q.status = 'queued' AS waits FROM delegations d JOIN a2a_queue q ON q.id = d.queue_id
          WHERE d.id = $1 AND d.source_id = $2 AND q.status IN ('queued', 'dispatched') FOR UPDATE OF q),
        changed AS (
          UPDATE delegations SET status = $3, error = CASE WHEN $3 = 'failed' THEN $4 END,
            response = coalesce($5, response), response_preview = coalesce($6, response_preview),
            updated_at = clock_timestamp(), result_at = coalesce(result_at, clock_timestamp()),
            completed_at = clock_timestamp(), ended_by_source = true
          WHERE id = $1 AND source_id = $2 AND status NOT IN ('completed', 'failed')
            AND (SELECT count(*) FROM item) >= 0
          RETURNING id, source_id, target_id, task, status, response, error, traceparent),
        ended AS (
          UPDATE a2a_queue q SET status = CASE WHEN item.waits THEN 'dropped' ELSE q.status END,
            completed_at = CASE WHEN item.waits THEN clock_timestamp() END, last_error = 'ended by its source',
            expires_at = q.enqueued_at
          FROM item CROSS JOIN changed WHERE q.id = item.id
          RETURNING q.id, q.workspace_id, q.status, q.attempts, q.delegation_id, q.last_error, q.traceparent)
        INSERT INTO structure_events (type, workspace_id, source, data, traceparent)
        SELECT 'delegation.' || status, source_id, $7, event_delegation(id, target_id, status, task, response, error),
          traceparent
        FROM changed
        UNION ALL
        SELECT 'a2a.dropped', workspace_id, $7, event_a2a_outcome(id, attempts, last_error, delegation_id), traceparent
        FROM ended WHERE status = 'dropped'
        RETURNING \(CommittedEvent.columns)
        """)

    /// Ends a delegation as its source says, and drops what still waits of it: that need not be delivered any more. What
    /// is being delivered is not delivered again. One that has ended stays as it is.
    ///
    /// - Returns: the events; none when it has ended before.
    package func update(
        _ id: UUID, of source: UUID, to status: DelegationStatus, error: String?, response: String?
    ) async throws(PostgresError) -> [CommittedEvent] {
        try await postgres.query(
            Self.update,
            [id, source, status.rawValue, error, response, response.map(DelegationOutcomeRule.preview), self.source]
        ).compactMap { CommittedEvent(row: $0) }
    }
}
