import Contracts
import Foundation
import Postgres

/// The statements that write the audit log.
struct AuditStore: Sendable {
    let postgres: PostgresPool
    /// The name of the service that handles the requests.
    let service: String

    /// The ids come in the order of the entries.
    private static let add = Statement(
        "audit_add",
        """
        WITH given AS MATERIALIZED (
            SELECT nextval(pg_get_serial_sequence('audit_log', 'id')) AS id, e.*
            FROM unnest($2::text[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::uuid[],
                $10::text[], $11::text[], $12::int[]) WITH ORDINALITY
                AS e (actor, actor_id, actor_name, token_prefix, via, action, target, workspace_id, request_id, client_ip,
                    status, place)
            ORDER BY place
        ), added AS (
            INSERT INTO audit_log (id, service, actor, actor_id, actor_name, token_prefix, via, action, target,
                workspace_id, request_id, client_ip, status) OVERRIDING SYSTEM VALUE
            SELECT id, $1, actor, actor_id, actor_name, token_prefix, via, action, target, workspace_id, request_id,
                client_ip, status
            FROM given
        )
        SELECT id FROM given ORDER BY place
        """)

    /// Writes entries.
    ///
    /// - Returns: their ids, in order.
    func add(_ entries: [AuditEntry]) async throws(PostgresError) -> [Int64] {
        try await postgres.query(
            Self.add,
            [
                service, entries.map(\.actor.rawValue), entries.map(\.actorID), entries.map(\.actorName),
                entries.map(\.tokenPrefix), entries.map(\.via.rawValue), entries.map(\.action), entries.map(\.target),
                entries.map(\.workspace), entries.map(\.requestID), entries.map(\.clientIP), entries.map(\.status),
            ]
        ).map { Int64($0.int(0)) }
    }

    private static let finish = Statement(
        "audit_finish",
        """
        UPDATE audit_log a SET status = e.status, detail = e.detail
        FROM unnest($1::bigint[], $2::int[], $3::text[]) AS e (id, status, detail) WHERE a.id = e.id
        """)

    /// Writes the outcomes of requests.
    func finish(_ ends: [AuditLog.Outcome]) async throws(PostgresError) {
        _ = try await postgres.query(Self.finish, [ends.map(\.id), ends.map(\.status), ends.map(\.detail)])
    }
}
