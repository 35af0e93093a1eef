import Concurrency
import Contracts
import EventOutbox
import Foundation
import Postgres

extension QueueStore {
    // MARK: - What is to be written

    private static let ends = Recordset<FinishedItem>([
        .uuid("id") { $0.id },
        .uuid("workspace_id") { $0.workspace },
        .integer("claim") { $0.claimNumber },
        .text("status") { $0.verdict.status },
        .integer("attempts") { $0.verdict.attempts },
        .integer("response_status") { $0.responseStatus },
        .text("error") { $0.verdict.error },
        .bool("uncertain") { $0.verdict.isUncertain },
        .bool("waits") { $0.verdict.waitsForHeartbeat },
        .double("delay") { $0.verdict.delay.inSeconds },
        .double("hold") { $0.verdict.hold > .zero ? $0.verdict.hold.inSeconds : nil },
        .bool("is_busy") { $0.verdict.targetIsBusy },
        .bool("arrived") { $0.verdict.mayHaveArrived },
        .integer("refusals") { $0.verdict.refusals.count },
        .double("refused") { $0.verdict.refusals.time.inSeconds },
        .bool("has_response") { $0.hasResponse },
        .text("logged") { $0.logged?.kind.rawValue },
        .integer("logged_status") { $0.logged?.status },
        .text("d_status") { $0.delegation?.status },
        .text("d_preview") { $0.delegation?.preview },
        .text("d_error") { $0.delegation?.error },
        .bool("d_drained") { $0.delegation?.isDrained ?? false },
        .integer("d_first") { $0.delegation?.firstAttempts },
    ])

    /// One row an item, in the order of their ids. Responses may be long, and stand beside the JSON. The limit is the number
    /// of items: one that the planner does not know has it expect ten rows, where it would expect a hundred of
    /// `json_to_recordset` and read tables of some megabytes as a whole, which also locks in another order.
    private static let input = """
        input AS (
          SELECT i.*, i.ordinality AS n
          FROM ROWS FROM (unnest($2::text[], $3::bytea[], $4::text[]), json_to_recordset($1::json) AS (\(ends.definition)))
            WITH ORDINALITY AS i (response, response_bytes, d_response)
          LIMIT $6)
        """

    // MARK: - The item

    /// Only the current claim may end: whoever claimed the item since has another number. A completed call counts even if
    /// its lease ran out and the item went back; everything else needs the lease, too.
    private static let isCurrent = """
        q.claim_number = i.claim AND (q.status = 'dispatched' OR q.status = 'queued' AND i.status = 'completed')
        """

    /// The source of its delegation ended it while it was being delivered; see ``DelegationStore``.
    private static let isEnded = "q.expires_at <= q.enqueued_at"

    /// `dispatched` to `completed`, `failed` or `queued`; to `dropped` what would go back into the queue though its
    /// delegation was ended.
    private static let nextStatus = "CASE WHEN i.status = 'queued' AND \(isEnded) THEN 'dropped' ELSE i.status END"

    /// What was said last of an item stays until something else is said, or it is delivered.
    private static let nextError = """
        CASE WHEN i.status = 'completed' THEN NULL
          WHEN i.status = 'queued' AND \(isEnded) THEN q.last_error ELSE coalesce(i.error, q.last_error) END
        """

    /// Locks the items in the order of the input, and moves those on whose claim is the current one. The vitals are looked
    /// at without a lock, for whether the target ever heartbeats.
    private static let done = """
        done AS (
          UPDATE a2a_queue q SET attempts = i.attempts, status = \(nextStatus), last_error = \(nextError),
            response = i.response, response_bytes = i.response_bytes, response_status = i.response_status,
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
              ELSE a2a_queue_logged(q.attempts_log, i.logged, i.error, i.logged_status::int) END,
            completed_at = CASE WHEN i.status <> 'queued' OR \(isEnded) THEN clock_timestamp() END
          FROM input i LEFT JOIN workspace_vitals v ON v.workspace_id = i.workspace_id
          WHERE q.id = i.id AND \(isCurrent)
          RETURNING i.n, q.id, q.workspace_id, q.status, q.attempts, q.last_error, q.delegation_id, q.schedule_id,
            q.traceparent, q.dispatched_at, i.is_busy, i.has_response, i.d_status, i.d_response, i.d_preview, i.d_error,
            i.d_drained, i.d_first)
        """

    // MARK: - Its target

    /// Locks the vitals of the targets, once the items are: what the calls say of each target is known by then.
    private static let lockedTargets = """
        load AS MATERIALIZED (
          SELECT workspace_id, bool_or(is_busy) AS is_busy, bool_or(has_response) AS has_response,
            array_agg(dispatched_at) FILTER (WHERE has_response) AS answered
          FROM done GROUP BY workspace_id),
        locked AS MATERIALIZED (
          SELECT v.workspace_id, load.is_busy, load.has_response, load.answered
          FROM load JOIN workspace_vitals v ON v.workspace_id = load.workspace_id ORDER BY v.workspace_id
          FOR UPDATE OF v)
        """

    /// A call that the agent answered is over: if it began before the last heartbeat, that heartbeat counted it.
    private static let targets = """
        vitals AS (
          UPDATE workspace_vitals v SET
            last_busy_at = CASE WHEN locked.is_busy THEN now() ELSE v.last_busy_at END,
            last_inbound_at = CASE WHEN locked.has_response THEN now() ELSE v.last_inbound_at END,
            active_tasks = greatest(0, v.active_tasks
              - (SELECT count(*) FROM unnest(locked.answered) AS began (at) WHERE began.at < v.last_heartbeat_at))
          FROM locked WHERE v.workspace_id = locked.workspace_id)
        """

    // MARK: - Its delegation

    /// Locks the delegations that go on, once the vitals are: the count has the locks of the targets taken first. One that
    /// has ended stays as it is.
    private static let lockedDelegations = """
        open AS MATERIALIZED (
          SELECT d.id FROM done JOIN delegations d ON d.id = done.delegation_id
          WHERE d.status NOT IN ('completed', 'failed') AND (done.d_status IS NOT NULL OR done.d_first IS NOT NULL)
            AND (SELECT count(*) FROM locked) >= 0
          ORDER BY d.id FOR UPDATE OF d)
        """

    /// To `completed`, `failed` or `queued` with its item; without a status only first dispatches are counted.
    private static let delegations = """
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
            done.d_status AS changed)
        """

    // MARK: - All of it

    /// Events of items that have ended, and of delegations that have another status.
    private static let events = """
        event AS (
          INSERT INTO structure_events (type, workspace_id, source, data, traceparent)
          SELECT 'a2a.' || status, workspace_id, $5,
            event_a2a_outcome(id, attempts, last_error, delegation_id, schedule_id), traceparent
          FROM done WHERE status IN ('completed', 'failed', 'dropped')
          UNION ALL
          SELECT CASE status WHEN 'queued' THEN 'delegation.status' ELSE 'delegation.' || status END, source_id, $5,
            event_delegation(id, target_id, status, task, response, error, via), traceparent
          FROM delegated WHERE changed IS NOT NULL
          RETURNING \(CommittedEvent.columns))
        """

    /// Its rows are the numbers of the items that were moved on, then the events.
    package static let finish = Statement(
        "queue_finish", locks: .fail,
        """
        WITH \(input),
        \(done),
        \(lockedTargets),
        \(targets),
        \(lockedDelegations),
        \(delegations),
        \(events)
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
        let rows = try await postgres.query(
            Self.finish,
            [
                Self.ends.json(sorted), sorted.map(\.response?.text), sorted.map(\.response?.exact),
                sorted.map(\.delegation?.response), source, sorted.count,
            ], deadline: .seconds(10))
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
