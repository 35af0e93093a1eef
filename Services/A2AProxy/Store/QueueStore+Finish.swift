import Contracts
import EventOutbox
import Foundation
import Postgres

/// How a claimed item ended, to be written if the claim is still the current one.
package struct FinishedItem: Sendable {
    package let id: UUID
    package let workspace: UUID
    package let claimNumber: Int
    package let verdict: QueueVerdict
    /// Of a completed item.
    package var response: StoredBody?
    package var responseStatus: Int?
    /// The agent answered, so that what it last reported as running may still count this call.
    package var hasResponse = false
    /// What happens to the item's delegation.
    package var delegation: DelegationChange?
    /// What its log keeps of it; nil for nothing.
    package var logged: LoggedAttempt?

    package init(id: UUID, workspace: UUID, claimNumber: Int, verdict: QueueVerdict) {
        self.id = id
        self.workspace = workspace
        self.claimNumber = claimNumber
        self.verdict = verdict
    }
}

/// The next step of a delegation's life.
package struct DelegationChange: Sendable, Equatable {
    /// `completed`, `failed`, `queued`, or nil for none but the count of first dispatches.
    package var status: String?
    package var response: String?
    package var preview: String?
    package var error: String?
    /// The result came out of the queue.
    package var isDrained = false
    package var firstAttempts: Int?

    package init() {}
}

/// What finishing a batch did.
package struct Finished: Sendable {
    /// One an item: false when its claim was not current any more; nothing was written then.
    package var accepted: [Bool]
    package var events: [CommittedEvent]
}

extension QueueStore {
    /// The source of its delegation ended it while it was being delivered; see ``DelegationStore``.
    private static let isEnded = "q.expires_at <= q.enqueued_at"

    /// A completed call counts even if its lease ran out, as long as nobody claimed the item since: its claim number is
    /// still the current one. Everything else needs the lease, too.
    private static let finish = Statement(
        "queue_finish", locks: .brief,
        """
        WITH input AS MATERIALIZED (
          SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::text[], $5::int[], $6::text[], $7::int[],
            $8::text[], $9::boolean[], $10::boolean[], $11::float8[], $12::boolean[], $13::boolean[], $14::text[],
            $15::text[], $16::text[], $17::text[], $18::boolean[], $19::int[], $21::boolean[], $22::float8[],
            $23::int[], $24::float8[], $25::bytea[], $26::text[], $27::int[]) WITH ORDINALITY
            AS i (id, workspace_id, claim, status, attempts, response, response_status, error, uncertain, waits, delay,
              is_busy, was_answered, d_status, d_response, d_preview, d_error, d_drained, d_first, arrived, hold,
              refusals, refused, response_bytes, logged, logged_status, n)),
        done AS (
          UPDATE a2a_queue q SET attempts = i.attempts,
            status = CASE WHEN i.status = 'queued' AND \(isEnded) THEN 'dropped' ELSE i.status END,
            response = i.response, response_bytes = i.response_bytes, response_status = i.response_status,
            last_error = CASE WHEN i.status = 'completed' THEN NULL
              WHEN i.status = 'queued' AND \(isEnded) THEN q.last_error ELSE coalesce(i.error, q.last_error) END,
            delivery_uncertain = i.status <> 'completed' AND (q.delivery_uncertain OR i.uncertain),
            deliveries = q.deliveries + i.arrived::int, refusals = i.refusals, refused_seconds = i.refused,
            waits_for_heartbeat = i.waits AND v.last_heartbeat_at IS NOT NULL,
            available_at = CASE WHEN i.waits AND v.last_heartbeat_at IS NOT NULL THEN now()
              ELSE now() + make_interval(secs => i.delay) END,
            held_until = CASE WHEN i.hold > 0 THEN now() + make_interval(secs => i.hold) END,
            requeued_at = CASE WHEN i.status = 'queued' THEN now() ELSE q.requeued_at END,
            first_dispatch = q.first_dispatch AND NOT i.waits,
            lease_owner = NULL, lease_until = NULL,
            attempts_log = CASE WHEN i.logged IS NULL THEN q.attempts_log
              ELSE a2a_queue_logged(q.attempts_log, i.logged, i.error, i.logged_status) END,
            completed_at = CASE WHEN i.status <> 'queued' OR \(isEnded) THEN clock_timestamp() END
          FROM input i LEFT JOIN workspace_vitals v ON v.workspace_id = i.workspace_id
          WHERE q.id = i.id AND q.claim_number = i.claim
            AND (q.status = 'dispatched' OR q.status = 'queued' AND i.status = 'completed')
          RETURNING i.n, q.id, q.workspace_id, q.status, q.attempts, q.last_error, q.delegation_id, q.schedule_id,
            q.traceparent, q.dispatched_at, i.is_busy, i.was_answered, i.d_status, i.d_response, i.d_preview, i.d_error,
            i.d_drained, i.d_first),
        load AS MATERIALIZED (
          SELECT workspace_id, bool_or(is_busy) AS is_busy, bool_or(was_answered) AS was_answered,
            array_agg(dispatched_at) FILTER (WHERE was_answered) AS answered
          FROM done GROUP BY workspace_id),
        locked AS MATERIALIZED (
          SELECT v.workspace_id, load.is_busy, load.was_answered, load.answered
          FROM load JOIN workspace_vitals v ON v.workspace_id = load.workspace_id ORDER BY v.workspace_id
          FOR UPDATE OF v),
        vitals AS (
          UPDATE workspace_vitals v SET
            last_busy_at = CASE WHEN locked.is_busy THEN now() ELSE v.last_busy_at END,
            last_inbound_at = CASE WHEN locked.was_answered THEN now() ELSE v.last_inbound_at END,
            active_tasks = greatest(0, v.active_tasks
              - (SELECT count(*) FROM unnest(locked.answered) AS began (at) WHERE began.at < v.last_heartbeat_at))
          FROM locked WHERE v.workspace_id = locked.workspace_id),
        open AS MATERIALIZED (
          SELECT d.id FROM done JOIN delegations d ON d.id = done.delegation_id
          WHERE d.status NOT IN ('completed', 'failed') AND (done.d_status IS NOT NULL OR done.d_first IS NOT NULL)
            AND (SELECT count(*) FROM locked) >= 0
          ORDER BY d.id FOR UPDATE OF d),
        delegated AS (
          UPDATE delegations d SET status = coalesce(done.d_status, d.status),
            first_attempts = coalesce(done.d_first, d.first_attempts),
            response = coalesce(done.d_response, d.response),
            response_preview = coalesce(done.d_preview, d.response_preview),
            error = CASE WHEN done.d_status = 'completed' THEN NULL ELSE coalesce(done.d_error, d.error) END,
            via = CASE WHEN done.d_drained THEN 'queue_drain' ELSE d.via END,
            updated_at = clock_timestamp(),
            result_at = CASE WHEN done.d_status IS NULL THEN d.result_at ELSE coalesce(d.result_at, clock_timestamp()) END,
            completed_at = CASE WHEN done.d_status IN ('completed', 'failed') THEN clock_timestamp() ELSE d.completed_at END
          FROM open JOIN done ON done.delegation_id = open.id
          WHERE d.id = open.id
          RETURNING d.id, d.source_id, d.target_id, d.task, d.status, d.response, d.error, d.via, d.traceparent,
            done.d_status AS changed),
        event AS (
          INSERT INTO structure_events (type, workspace_id, source, data, traceparent)
          SELECT 'a2a.' || status, workspace_id, $20,
            event_a2a_outcome(id, attempts, last_error, delegation_id, schedule_id), traceparent
          FROM done WHERE status IN ('completed', 'failed', 'dropped')
          UNION ALL
          SELECT CASE status WHEN 'queued' THEN 'delegation.status' ELSE 'delegation.' || status END, source_id, $20,
            event_delegation(id, target_id, status, task, response, error, via), traceparent
          FROM delegated WHERE changed IS NOT NULL
          RETURNING \(CommittedEvent.columns))
        SELECT done.n, NULL::bigint AS sequence, NULL::uuid AS id, NULL::text AS type, NULL::uuid AS workspace_id,
          NULL::text AS source, NULL::json AS data, NULL::text AS traceparent, NULL::timestamptz AS created_at FROM done
        UNION ALL
        SELECT NULL, event.* FROM event
        """)

    /// Writes how items ended, with what it means for their targets and delegations, in one transaction.
    package func finish(_ items: [FinishedItem]) async throws(PostgresError) -> Finished {
        // Rows are locked in the order of their ids, by every instance.
        let order = items.indices.sorted { items[$0].id < items[$1].id }
        let sorted = order.map { items[$0] }
        let changes = sorted.map { $0.delegation ?? DelegationChange() }
        let ends: [any PostgresEncodable] = [
            sorted.map(\.id), sorted.map(\.workspace), sorted.map(\.claimNumber), sorted.map(\.verdict.status),
            sorted.map(\.verdict.attempts), sorted.map(\.response?.text), sorted.map(\.responseStatus),
            sorted.map(\.verdict.error), sorted.map(\.verdict.isUncertain), sorted.map(\.verdict.waitsForHeartbeat),
            sorted.map(\.verdict.delay.inSeconds), sorted.map(\.verdict.targetIsBusy), sorted.map(\.hasResponse),
        ]
        let ofDelegations: [any PostgresEncodable] = [
            changes.map(\.status), changes.map(\.response), changes.map(\.preview), changes.map(\.error),
            changes.map(\.isDrained), changes.map(\.firstAttempts),
        ]
        let rest: [any PostgresEncodable] = [
            source, sorted.map(\.verdict.mayHaveArrived), sorted.map(\.verdict.hold.inSeconds),
            sorted.map(\.verdict.refusals.count), sorted.map(\.verdict.refusals.time.inSeconds),
            sorted.map(\.response?.exact), sorted.map { $0.logged?.kind.rawValue }, sorted.map { $0.logged?.status },
        ]
        let rows = try await postgres.query(Self.finish, ends + ofDelegations + rest, deadline: .seconds(10))
        var finished = Finished(accepted: items.map { _ in false }, events: [])
        try rows.forEach { row in
            if let number = row.optionalInt(0) {
                finished.accepted[order[number - 1]] = true
            } else if let event = CommittedEvent(row: row, firstColumn: 1) {
                finished.events.append(event)
            }
        }
        return finished
    }
}

extension QueueVerdict {
    /// The value of `a2a_queue.status`.
    package var status: String {
        switch next {
        case .completed: "completed"
        case .failed: "failed"
        case .dropped: "dropped"
        case .waits, .retries: "queued"
        }
    }

    package var waitsForHeartbeat: Bool {
        if case .waits = next { true } else { false }
    }

    var delay: Duration {
        switch next {
        case .waits(let backoff): backoff
        case .retries(let delay): delay
        case .completed, .failed, .dropped: .zero
        }
    }
}
