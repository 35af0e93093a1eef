import Contracts
import Foundation
import Postgres

/// A filter of dead messages.
package struct DeadMessageFilter: Sendable, Hashable {
    package var queue: String?
    package var type: String?

    package init(queue: String? = nil, type: String? = nil) {
        self.queue = queue
        self.type = type
    }
}

/// The statements about `dead_messages`.
package struct DeadMessageStore: Sendable {
    let postgres: PostgresPool

    package init(postgres: PostgresPool) {
        self.postgres = postgres
    }

    private static let add = Statement(
        "dead_add",
        """
        INSERT INTO dead_messages (message_id, type, exchange, routing_key, queue, reason, death_count, content_type,
            headers, body, fingerprint)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (fingerprint) DO NOTHING RETURNING id
        """)

    /// Stores a letter.
    ///
    /// - Returns: false when it is stored already.
    package func add(_ letter: DeadLetter) async throws(PostgresError) -> Bool {
        try await !postgres.query(
            Self.add,
            [
                letter.messageID, letter.type, letter.exchange, letter.routingKey, letter.queue, letter.reason,
                letter.deaths, letter.contentType, letter.headers, Bytea(letter.body), Bytea(letter.fingerprint),
            ], deadline: .seconds(30)
        ).isEmpty
    }

    private static let columns = """
        id, message_id, type, exchange, routing_key, queue, reason, death_count, received_at, replayed_at, replay_count,
        octet_length(body)
        """

    private static let list = Statement(
        "dead_list",
        """
        SELECT \(columns) FROM dead_messages
        WHERE id < $1 AND ($2::text IS NULL OR queue = $2) AND ($3::text IS NULL OR type = $3) ORDER BY id DESC LIMIT $4
        """)

    /// A page, newest first.
    ///
    /// - Parameter id: the cursor; only messages with a smaller id are returned.
    package func list(
        _ filter: DeadMessageFilter, before id: Int64, limit: Int
    ) async throws(PostgresError) -> [DeadMessage] {
        try await postgres.query(Self.list, [id, filter.queue, filter.type, limit]).map(Self.message)
    }

    private static let one = Statement(
        "dead_one",
        "SELECT \(columns), content_type, headers, substring(body FOR $2) FROM dead_messages WHERE id = $1")

    /// One message with at most so many bytes of its body.
    package func message(_ id: Int64, bodyBytes: Int) async throws(PostgresError) -> DeadMessageDetail? {
        try await postgres.query(Self.one, [id, bodyBytes]).first { row in
            DeadMessageDetail(
                message: Self.message(row), contentType: row.optionalString(12),
                headers: RawJSON(unchecked: row.bytes(13)), body: row.bytea(14))
        }
    }

    private static let noteReplay = Statement(
        "dead_note_replay",
        """
        UPDATE dead_messages SET replayed_at = clock_timestamp(), replay_count = replay_count + 1 WHERE id = $1
        RETURNING replay_count
        """)

    /// Records that a message was replayed.
    ///
    /// - Returns: the number of its replays; nil when it was discarded meanwhile.
    package func noteReplay(_ id: Int64) async throws(PostgresError) -> Int? {
        try await postgres.query(Self.noteReplay, [id]).first { $0.int(0) }
    }

    private static let waiting = Statement(
        "dead_waiting",
        """
        SELECT id FROM dead_messages
        WHERE replayed_at IS NULL AND ($1::text IS NULL OR queue = $1) AND ($2::text IS NULL OR type = $2)
        ORDER BY id LIMIT $3
        """)

    /// The oldest messages that were never replayed.
    package func waiting(_ filter: DeadMessageFilter, limit: Int) async throws(PostgresError) -> [Int64] {
        try await postgres.query(Self.waiting, [filter.queue, filter.type, limit]).map { Int64($0.int(0)) }
    }

    private static let discard = Statement(
        "dead_discard", "DELETE FROM dead_messages WHERE id = $1 RETURNING queue, type")

    /// - Returns: its queue and type; nil when there is none.
    package func discard(_ id: Int64) async throws(PostgresError) -> DeadMessageFilter? {
        try await postgres.query(Self.discard, [id]).first { row in
            DeadMessageFilter(queue: row.optionalString(0), type: row.optionalString(1))
        }
    }

    private static let discardAll = Statement(
        "dead_discard_all",
        """
        WITH picked AS MATERIALIZED (
            SELECT id FROM dead_messages WHERE ($1::text IS NULL OR queue = $1) AND ($2::text IS NULL OR type = $2)
            ORDER BY id LIMIT $3 FOR UPDATE SKIP LOCKED
        )
        DELETE FROM dead_messages d USING picked WHERE d.id = picked.id RETURNING d.id
        """)

    /// Discards the oldest matching messages.
    ///
    /// - Returns: the number of discarded messages.
    package func discard(_ filter: DeadMessageFilter, limit: Int) async throws(PostgresError) -> Int {
        try await postgres.query(Self.discardAll, [filter.queue, filter.type, limit]).count
    }

    private static func message(_ row: PostgresRow) -> DeadMessage {
        DeadMessage(
            id: Int64(row.int(0)), messageID: row.optionalString(1), type: row.optionalString(2),
            exchange: row.string(3), routingKey: row.string(4), queue: row.optionalString(5),
            reason: row.optionalString(6), deathCount: row.int(7), receivedAt: row.date(8),
            replayedAt: row.optionalDate(9), replayCount: row.int(10), bodySize: row.int(11))
    }
}

/// A message with its headers and body.
package struct DeadMessageDetail: Sendable {
    package let message: DeadMessage
    package let contentType: String?
    package let headers: RawJSON
    /// Possibly truncated.
    package let body: [UInt8]
}
