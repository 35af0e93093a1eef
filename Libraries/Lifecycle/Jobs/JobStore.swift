import Contracts
import EventOutbox
import Foundation
import Postgres

/// Who does which job, and how it ended.
package struct JobStore: Sendable {
    let postgres: PostgresPool
    let source: String

    package init(postgres: PostgresPool, source: String) {
        self.postgres = postgres
        self.source = source
    }

    /// A job waits for the older ones of its workspace, and for one that is under way; one whose lease ran out goes first.
    private static let claim = Statement(
        "lifecycle_claim",
        """
        WITH free AS (
            SELECT j.id FROM lifecycle_jobs j
            WHERE j.completed_at IS NULL AND j.available_at <= now() AND j.kind = ANY ($4)
                AND (j.lease_until IS NULL OR j.lease_until < now())
                AND (j.lease_owner IS NOT NULL OR NOT EXISTS (
                    SELECT FROM lifecycle_jobs o
                    WHERE o.workspace_id = j.workspace_id AND o.completed_at IS NULL AND o.id <> j.id
                        AND (o.lease_owner IS NOT NULL OR (o.created_at, o.id) < (j.created_at, j.id))))
            ORDER BY j.available_at LIMIT $1 FOR UPDATE SKIP LOCKED
        )
        UPDATE lifecycle_jobs j SET lease_owner = $2, lease_until = now() + make_interval(secs => $3),
            claim_number = claim_number + 1, last_error = NULL
        FROM free WHERE j.id = free.id
        RETURNING j.id, j.workspace_id, j.kind, j.attempts, j.claim_number, j.remove_volume
        """)

    /// Takes jobs that are due, at most one a workspace.
    ///
    /// - Parameters:
    ///   - lease: seconds for which they are this owner's unless `extend` adds to them.
    ///   - kinds: the jobs that there is room for.
    func claim(
        upTo limit: Int, owner: String, lease: Double, kinds: Set<LifecycleJob.Kind>
    ) async throws(PostgresError) -> [LifecycleJob] {
        for _ in 1..<Self.claimAttempts {
            do {
                return try await claimOnce(limit, owner, lease, kinds)
            } catch {
                // Another instance claimed another job of one of the workspaces in the same moment: it comes first, which
                // the next look sees. The jobs of the others are still there.
                guard error.sqlState == "23505" else { throw error }
            }
        }
        return try await claimOnce(limit, owner, lease, kinds)
    }

    /// Each conflict is another instance's claim that succeeded, so that a few are enough.
    private static let claimAttempts = 5

    private func claimOnce(
        _ limit: Int, _ owner: String, _ lease: Double, _ kinds: Set<LifecycleJob.Kind>
    ) async throws(PostgresError) -> [LifecycleJob] {
        try await postgres.query(Self.claim, [limit, owner, lease, kinds.map(\.rawValue)]).compactMap { row in
            LifecycleJob.Kind(rawValue: row.string(2)).map {
                LifecycleJob(
                    id: row.uuid(0), workspace: row.uuid(1), kind: $0, attempts: row.int(3),
                    claimNumber: row.int(4), removesVolume: row.bool(5))
            }
        }
    }

    private static let extend = Statement(
        "lifecycle_extend",
        """
        WITH held AS (
            SELECT j.id, j.claim_number FROM lifecycle_jobs j JOIN unnest($1::uuid[], $2::bigint[]) AS h (id, claim)
                ON j.id = h.id AND j.claim_number = h.claim
            WHERE j.completed_at IS NULL AND j.lease_owner IS NOT NULL ORDER BY j.id FOR UPDATE OF j
        )
        UPDATE lifecycle_jobs j SET lease_until = now() + make_interval(secs => $3)
        FROM held WHERE j.id = held.id RETURNING j.id, j.claim_number
        """)

    /// - Returns: the claims that are still the current ones.
    func extend(_ claims: [JobClaim], lease: Double) async throws(PostgresError) -> Set<JobClaim> {
        let rows = try await postgres.query(Self.extend, [claims.map(\.job), claims.map(\.number), lease])
        return Set(try rows.map { JobClaim(job: $0.uuid(0), number: $0.int(1)) })
    }

    private static let handBack = Statement(
        "lifecycle_hand_back",
        """
        WITH held AS (
            SELECT j.id FROM lifecycle_jobs j JOIN unnest($1::uuid[], $2::bigint[]) AS h (id, claim)
                ON j.id = h.id AND j.claim_number = h.claim
            WHERE j.completed_at IS NULL ORDER BY j.id FOR UPDATE OF j
        )
        UPDATE lifecycle_jobs j SET lease_owner = NULL, lease_until = NULL FROM held WHERE j.id = held.id
        """)

    /// Lets others take up jobs that a shutdown interrupted: no failure of theirs. Only those at which nothing of ours is
    /// at work any more.
    func handBack(_ claims: [JobClaim]) async throws(PostgresError) {
        _ = try await postgres.query(Self.handBack, [claims.map(\.job), claims.map(\.number)])
    }

    // MARK: - Outcomes

    /// Begins every statement that ends a job: nothing happens unless the claim is the current one. The workspace is
    /// locked first, as by everyone who changes both.
    private static let done = """
        WITH subject AS MATERIALIZED (
            SELECT w.id FROM lifecycle_jobs j JOIN workspaces w ON w.id = j.workspace_id
            WHERE j.id = $1 AND j.claim_number = $2 AND j.completed_at IS NULL FOR NO KEY UPDATE OF w
        ), job AS (
            UPDATE lifecycle_jobs SET lease_owner = NULL, lease_until = NULL, last_error = NULL,
                completed_at = CASE WHEN repeats THEN NULL ELSE now() END,
                kind = CASE WHEN repeats THEN 'restart' ELSE kind END, available_at = now(), repeats = false,
                attempts = CASE WHEN repeats THEN 0 ELSE attempts END
            WHERE id = $1 AND claim_number = $2 AND completed_at IS NULL AND (SELECT count(*) FROM subject) >= 0
            RETURNING workspace_id
        )
        """

    private static let started = Statement(
        "lifecycle_started",
        """
        \(done), placed AS (
            UPDATE workspaces w SET url = $3, url_provisioned = true, updated_at = now(),
                internal_url = CASE WHEN w.url_provisioned THEN w.internal_url ELSE COALESCE(w.url, w.internal_url) END
            FROM job WHERE w.id = job.workspace_id AND w.status IN ('provisioning', 'online', 'degraded', 'offline', 'failed')
            RETURNING w.id
        )
        INSERT INTO structure_events (type, workspace_id, source, data)
        SELECT 'workspace.moved', id, $4, event_workspace_moved() FROM placed RETURNING \(CommittedEvent.columns)
        """)

    private static let failed = Statement(
        "lifecycle_failed",
        """
        \(done), failed AS (
            UPDATE workspaces w SET status = 'failed', status_reason = $3, status_changed_at = now(), updated_at = now()
            FROM job WHERE w.id = job.workspace_id AND w.status = 'provisioning' RETURNING w.id, w.runtime
        )
        INSERT INTO structure_events (type, workspace_id, source, data)
        SELECT 'workspace.provision_failed', id, $4, event_workspace_provision_failed($3, 'provisioner', runtime)
        FROM failed
        RETURNING \(CommittedEvent.columns)
        """)

    private static let stopped = Statement(
        "lifecycle_stopped",
        """
        \(done), slept AS (
            UPDATE workspaces w SET status = 'hibernated', status_changed_at = now(), updated_at = now()
            FROM job WHERE w.id = job.workspace_id AND w.status = 'hibernating' RETURNING w.id, w.name
        )
        INSERT INTO structure_events (type, workspace_id, source, data)
        SELECT 'workspace.hibernated', id, $3, event_workspace_stopped(name) FROM slept
        RETURNING \(CommittedEvent.columns)
        """)

    private static let obsolete = Statement("lifecycle_obsolete", "\(done) SELECT workspace_id FROM job")

    private static let again = Statement(
        "lifecycle_job_retry",
        """
        UPDATE lifecycle_jobs SET lease_owner = NULL, lease_until = NULL, last_error = $3, attempts = attempts + 1,
            available_at = now() + make_interval(secs => $4)
        WHERE id = $1 AND claim_number = $2 AND completed_at IS NULL
        """)

    /// Writes down how a job ended, and what that makes of its workspace.
    ///
    /// - Returns: the events, none when the claim was no longer the current one.
    func finish(_ job: LifecycleJob, _ outcome: JobOutcome) async throws(PostgresError) -> [CommittedEvent] {
        let claim: [any PostgresEncodable] = [job.id, job.claimNumber]
        let rows: PostgresRows
        switch outcome {
        case .started(let url): rows = try await postgres.query(Self.started, claim + [url, source])
        case .startFailed(let message): rows = try await postgres.query(Self.failed, claim + [message, source])
        case .stopped: rows = try await postgres.query(Self.stopped, claim + [source])
        case .obsolete:
            _ = try await postgres.query(Self.obsolete, claim)
            return []
        case .again(let message):
            let delay = JobRule.delay(attempts: job.attempts + 1, unit: .random(in: 0...1))
            _ = try await postgres.query(Self.again, claim + [message, delay])
            return []
        }
        return try rows.compactMap { CommittedEvent(row: $0) }
    }

    // MARK: - For those who wait

    /// How far a job is.
    package struct Progress: Sendable {
        package let job: UUID
        package let workspace: UUID
        package let isDone: Bool
        /// The message of its last failure.
        package let error: String?
    }

    private static let progress = Statement(
        "lifecycle_progress",
        "SELECT id, workspace_id, completed_at IS NOT NULL, last_error FROM lifecycle_jobs WHERE id = ANY ($1)")

    package func progress(of jobs: [UUID]) async throws(PostgresError) -> [Progress] {
        try await postgres.query(Self.progress, [jobs]).map {
            Progress(job: $0.uuid(0), workspace: $0.uuid(1), isDone: $0.bool(2), error: $0.optionalString(3))
        }
    }
}
