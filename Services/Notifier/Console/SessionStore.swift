import Authentication
import Concurrency
import Contracts
import EventOutbox
import Foundation
import PlatformInternals
import Postgres

/// The statements that begin and end sessions of the console. Authentication finds them.
package struct SessionStore: Sendable {
    let postgres: PostgresPool
    /// Of the events.
    let source: String

    package init(postgres: PostgresPool, source: String) {
        self.postgres = postgres
        self.source = source
    }

    /// Two sign-ins count one after the other.
    private static let lock = Statement(
        "session_lock", locks: .requeue,
        "SELECT pg_advisory_xact_lock(hashtextextended('switchyard.console_sessions', 0))")

    private static let add = Statement(
        "session_add", locks: .requeue,
        """
        WITH live AS (
            SELECT id, row_number() OVER (ORDER BY created_at DESC, id) AS place FROM console_sessions
            WHERE org_token_id IS NOT DISTINCT FROM $2::uuid AND revoked_at IS NULL AND expires_at > now()
        ), ended AS (
            UPDATE console_sessions s SET revoked_at = now() FROM live
            WHERE s.id = live.id AND live.place >= $5 RETURNING s.id
        ), added AS (
            INSERT INTO console_sessions (session_hash, org_token_id, credential_digest, expires_at)
            VALUES ($1, $2::uuid, $3, now() + make_interval(secs => $4)) RETURNING expires_at
        ), recorded AS (
            INSERT INTO structure_events (type, source, data)
            SELECT 'token.revoked', $6, event_token_revoked(id, 'console') FROM ended
            RETURNING \(CommittedEvent.columns)
        )
        SELECT expires_at, recorded.* FROM added LEFT JOIN recorded ON true
        """)

    /// Begins a session. Where its credential has as many as it may, the oldest end.
    ///
    /// - Returns: when it ends by itself, and the events of those that ended for it.
    package func add(
        _ session: NewSession, limit: Int = Limits.consoleSessions
    ) async throws(PostgresError) -> (expiresAt: Date, events: [CommittedEvent]) {
        var orgToken: UUID?
        if case .org(let id, _) = session.holder.identity { orgToken = id }
        let lifetime = Limits.consoleSession.inSeconds
        let results = try await postgres.atomically([
            Call(Self.lock),
            Call(
                Self.add,
                [
                    Bytea(session.token.hash), orgToken, session.credentialDigest.map { Bytea($0) }, lifetime, limit,
                    source,
                ]),
        ])
        let rows = try results[1].map { row in (row.date(0), CommittedEvent(row: row, firstColumn: 1)) }
        return (rows.first?.0 ?? .distantPast, rows.compactMap(\.1))
    }

    private static let end = Statement(
        "session_end",
        """
        WITH ended AS (
            UPDATE console_sessions SET revoked_at = now() WHERE id = $1 AND revoked_at IS NULL RETURNING id
        )
        INSERT INTO structure_events (type, source, data, traceparent)
        SELECT 'token.revoked', $2, event_token_revoked(id, 'console'), $3 FROM ended
        RETURNING \(CommittedEvent.columns)
        """)

    /// Ends a session.
    ///
    /// - Returns: the event that empties the caches; nil when it has ended already.
    package func end(_ id: UUID, traceparent: String?) async throws(PostgresError) -> CommittedEvent? {
        try await postgres.query(Self.end, [id, source, traceparent]).first { CommittedEvent(row: $0) }
    }
}
