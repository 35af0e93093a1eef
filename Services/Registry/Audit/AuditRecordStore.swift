import Contracts
import Foundation
import Postgres

/// The statement that reads the audit log, which Authentication writes.
package struct AuditRecordStore: Sendable {
    let postgres: PostgresPool

    package init(postgres: PostgresPool) {
        self.postgres = postgres
    }

    private static let deadline: Duration = .seconds(10)

    /// Unnamed, so that it is planned for each filter: a generic plan scans the whole log for the few entries of a
    /// workspace, for which there is an index.
    private static let list = Statement(
        "",
        """
        SELECT a.id, a.at, a.actor, a.actor_name, a.token_prefix, a.via, a.action, a.target, w.name, a.service, a.status,
            a.request_id, a.client_ip, a.detail
        FROM audit_log a LEFT JOIN workspaces w ON w.id = a.workspace_id
        WHERE a.id < $1
            AND ($2::text IS NULL OR a.actor = $2 OR a.token_prefix = $2 OR a.actor_name = $2)
            AND ($3::text IS NULL OR strpos(a.action, $3) > 0)
            AND ($4::text IS NULL OR a.target = $4 OR a.workspace_id = $5::uuid)
            AND ($6::text IS NULL OR $6 = CASE WHEN a.status IS NULL THEN 'unknown' WHEN a.status < 400 THEN 'ok'
                WHEN a.status < 500 THEN 'refused' ELSE 'failed' END)
            AND ($7::timestamptz IS NULL OR a.at >= $7) AND ($8::timestamptz IS NULL OR a.at < $8)
        ORDER BY a.id DESC LIMIT $9
        """)

    /// Entries, newest first.
    ///
    /// - Parameter before: the cursor; only entries with a smaller id are returned.
    package func list(_ filter: AuditFilter, before: Int64 = .max, limit: Int) async throws -> [AuditRecord] {
        let parameters: [any PostgresEncodable] = [
            before, filter.actor, filter.action, filter.target, filter.target.flatMap { UUID(canonical: $0) },
            filter.result?.rawValue, filter.since, filter.until, limit,
        ]
        // On an exclusive connection: a filter that matches few of very many entries is slow.
        let rows = try await postgres.transaction(deadline: Self.deadline, readOnly: true) { transaction in
            try await transaction.query(Self.list, parameters)
        }
        return try rows.map { row in
            AuditRecord(
                id: Int64(row.int(0)), at: row.date(1), actor: row.string(2), actorName: row.optionalString(3),
                tokenPrefix: row.optionalString(4), via: row.string(5), action: row.string(6),
                target: row.optionalString(7), targetName: row.optionalString(8), service: row.string(9),
                status: row.optionalInt(10), requestID: row.string(11), clientIP: row.string(12),
                detail: row.optionalString(13))
        }
    }
}
