import Authentication
import Concurrency
import Contracts
import Foundation
import PlatformInternals
import Postgres

/// A ticket as it is kept.
struct StoredTicket: Sendable {
    let origin: TicketOrigin
    /// What it shows.
    let filter: StreamFilter
}

/// The statements about stream tickets: two notifiers know the same.
struct TicketStore: Sendable {
    let postgres: PostgresPool

    private static let add = Statement(
        "ticket_add",
        """
        WITH pruned AS (
          DELETE FROM stream_tickets WHERE ticket_hash IN (
            SELECT ticket_hash FROM stream_tickets WHERE expires_at < now()
            ORDER BY expires_at LIMIT 100 FOR UPDATE SKIP LOCKED))
        INSERT INTO stream_tickets (ticket_hash, token_hash, admin_digest, workspace_id, types, expires_at)
        SELECT $1, $2, $3::bytea, $4::uuid, $5, now() + make_interval(secs => $6)
        WHERE (
          SELECT count(*) FROM (
            SELECT FROM stream_tickets WHERE token_hash = $2 AND expires_at > now() LIMIT $7) AS live) < $7
        RETURNING expires_at
        """)

    /// Keeps a ticket until it is used, or has expired.
    ///
    /// - Returns: when it expires; nil when its credential has as many as it may.
    func add(
        _ ticket: StoredTicket, hash: [UInt8], limit: Int = Limits.streamTickets
    ) async throws(PostgresError) -> Date? {
        var (token, digest): ([UInt8], [UInt8]?) = ([], nil)
        switch ticket.origin {
        case .token(let hash): token = hash
        case .admin(let ofTicket): digest = ofTicket
        case .open: break
        }
        let lifetime = Limits.streamTicket.inSeconds
        return try await postgres.query(
            Self.add,
            [
                Bytea(hash), Bytea(token), digest.map { Bytea($0) }, ticket.filter.workspace,
                ticket.filter.types.map(\.rawValue).sorted(), lifetime, limit,
            ]
        ).first { $0.date(0) }
    }

    private static let take = Statement(
        "ticket_take",
        """
        DELETE FROM stream_tickets WHERE ticket_hash = $1
        RETURNING token_hash, admin_digest, workspace_id, array_to_string(types, ','), expires_at > clock_timestamp()
        """)

    /// Takes a ticket out: whoever comes next with it finds none.
    ///
    /// - Returns: nil when there is none, or it has expired.
    func take(hash: [UInt8]) async throws(PostgresError) -> StoredTicket? {
        try await postgres.query(Self.take, [Bytea(hash)]).first { row -> StoredTicket? in
            guard row.bool(4) else { return nil }
            let token = row.bytea(0)
            let origin: TicketOrigin =
                row.optionalBytea(1).map { .admin(digest: $0) } ?? (token.isEmpty ? .open : .token(hash: token))
            var filter = StreamFilter()
            filter.workspace = row.optionalUUID(2)
            let names = row.string(3).split(separator: ",")
            filter.types = Set(names.compactMap { EventType(rawValue: String($0)) })
            // One that a version before this one knew must not come to mean all.
            return names.isEmpty || !filter.types.isEmpty ? StoredTicket(origin: origin, filter: filter) : nil
        } ?? nil
    }
}
