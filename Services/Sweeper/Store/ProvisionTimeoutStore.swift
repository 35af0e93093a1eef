import Contracts
import EventOutbox
import Foundation
import PlatformInternals
import Postgres

/// The statements about workspaces that do not come online.
package struct ProvisionTimeoutStore: Sendable {
    let postgres: PostgresPool
    let source: String

    package init(postgres: PostgresPool, source: String) {
        self.postgres = postgres
        self.source = source
    }

    /// Workspaces of one transaction.
    package static let batch = 200

    /// What the event says of who found out.
    package static let finder = "provision_timeout_sweep"

    /// A start that nobody has begun is not what takes long: it waits for others, and for so many times as long.
    private static let waitingFactor = 6

    /// Only what we start: who is started by its owner comes when it comes.
    private static let fail = Statement(
        "provision_timeout_fail",
        """
        WITH overdue AS MATERIALIZED (
            SELECT w.id, COALESCE(t.seconds, $3) AS seconds
            FROM workspaces w LEFT JOIN unnest($1::text[], $2::int[]) AS t (runtime, seconds) ON t.runtime = w.runtime
            WHERE w.status = 'provisioning' AND w.managed
                AND w.status_changed_at < now() - make_interval(secs => COALESCE(t.seconds, $3))
                AND (w.status_changed_at < now() - \(waitingFactor) * make_interval(secs => COALESCE(t.seconds, $3))
                    OR NOT EXISTS (
                        SELECT FROM lifecycle_jobs j WHERE j.workspace_id = w.id AND j.completed_at IS NULL
                            AND j.kind IN ('start', 'restart') AND j.claim_number = 0 AND j.lease_owner IS NULL))
            ORDER BY w.id LIMIT $4 FOR NO KEY UPDATE OF w SKIP LOCKED
        )
        UPDATE workspaces w SET status = 'failed', status_reason = $5, status_changed_at = now(), updated_at = now()
        FROM overdue WHERE w.id = overdue.id RETURNING w.id, w.runtime, overdue.seconds
        """)

    /// A start that nobody has begun would begin in vain, and a restart would undo this. One that is under way ends as it
    /// ends: it writes down where the workspace is reached, and brings no status back; only its agent does, by registering.
    private static let supersede = Statement(
        "provision_timeout_supersede",
        """
        WITH job AS MATERIALIZED (
            SELECT id FROM lifecycle_jobs
            WHERE workspace_id = ANY ($1) AND kind IN ('start', 'restart') AND completed_at IS NULL
                AND lease_owner IS NULL
            ORDER BY id FOR UPDATE SKIP LOCKED
        )
        UPDATE lifecycle_jobs j SET completed_at = now(), last_error = 'superseded' FROM job WHERE j.id = job.id
        """)

    private static let tell = Statement(
        "provision_timeout_insert_event",
        """
        INSERT INTO structure_events (type, workspace_id, source, data)
        SELECT $1, e.id, $2, e.data::json FROM unnest($3::uuid[], $4::text[]) AS e (id, data)
        RETURNING \(CommittedEvent.columns)
        """)

    private struct Failed {
        var id: UUID
        var runtime: String
        var seconds: Int
    }

    /// Fails those that have been `provisioning` for longer than they may.
    ///
    /// - Returns: at most a batch of events, one a workspace.
    package func fail(_ timeouts: ProvisionTimeouts) async throws -> [CommittedEvent] {
        let runtimes = timeouts.byRuntime.sorted { $0.key < $1.key }
        let parameters: [any PostgresEncodable] = [
            runtimes.map(\.key), runtimes.map(\.value), timeouts.others, Self.batch, ErrorMessage.provisioningTimedOut,
        ]
        return try await postgres.transaction { transaction in
            let failed = try await transaction.query(Self.fail, parameters).map {
                Failed(id: $0.uuid(0), runtime: $0.string(1), seconds: $0.int(2))
            }
            guard !failed.isEmpty else { return [] }
            _ = try await transaction.query(Self.supersede, [failed.map(\.id)])
            let data = try failed.map { String(decoding: try Self.data(of: $0), as: UTF8.self) }
            return try await transaction.query(
                Self.tell, [EventType.workspaceProvisionFailed.rawValue, source, failed.map(\.id), data]
            ).compactMap { CommittedEvent(row: $0) }
        }
    }

    private static func data(of failed: Failed) throws -> [UInt8] {
        try WireJSON.encode(
            WorkspaceProvisionFailed(
                error: ErrorMessage.provisioningTimedOut, source: finder, timeoutSeconds: failed.seconds,
                runtime: failed.runtime))
    }
}
