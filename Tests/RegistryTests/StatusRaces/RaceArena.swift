import Contracts
import Foundation
import Postgres
import TestSupport

/// A database in which a trigger records the workspaces' changes of status, whatever their writers publish.
struct RaceArena: Sendable {
    let pool: PostgresPool
    static let url = "http://8.8.8.8"
    static let card = Array(#"{"name":"racer"}"#.utf8)

    private static let ledger = [
        Statement(
            "test_ledger",
            """
            CREATE TABLE test_ledger (
                number bigint GENERATED ALWAYS AS IDENTITY, workspace_id uuid, was text, became text,
                transaction_id xid8 DEFAULT pg_current_xact_id())
            """),
        Statement(
            "test_note",
            """
            CREATE FUNCTION test_note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                INSERT INTO test_ledger (workspace_id, was, became) VALUES (NEW.id, OLD.status, NEW.status);
                RETURN NULL;
            END $$
            """),
        Statement(
            "test_trigger",
            """
            CREATE TRIGGER test_note AFTER UPDATE ON workspaces FOR EACH ROW
            WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION test_note()
            """),
    ]

    init(pool: PostgresPool) async throws {
        self.pool = pool
        for statement in Self.ledger { _ = try await pool.query(statement) }
    }

    private static let add = Statement(
        "test_add",
        """
        WITH w AS (
            INSERT INTO workspaces (id, name, status, url, agent_card)
            VALUES ($1, 'w', $2::workspace_status, $3, $4) RETURNING id
        ), t AS (
            INSERT INTO workspace_auth_tokens (workspace_id, token_hash, prefix)
            SELECT id, sha256($1::text::bytea), 'prefix--' FROM w
        )
        INSERT INTO workspace_vitals (workspace_id) SELECT id FROM w
        """)

    func add(_ id: UUID, _ status: WorkspaceStatus) async throws {
        _ = try await pool.query(Self.add, [id, status.rawValue, Self.url, Self.card])
    }

    private static let clear = Statement("test_clear", "DELETE FROM workspaces")

    func clear() async throws {
        _ = try await pool.query(Self.clear)
    }

    private static let status = Statement("test_status", "SELECT status FROM workspaces WHERE id = $1")

    func status(_ id: UUID) async throws -> WorkspaceStatus? {
        try await pool.query(Self.status, [id]).first { WorkspaceStatus(rawValue: $0.string(0)) }
    }

    /// A change of status, or the event of one, with the transaction that it was made in.
    struct Change: Hashable {
        var was: String?
        var became: String
        var transaction: String
    }

    private static let changes = Statement(
        "test_changes",
        "SELECT was, became, transaction_id::text FROM test_ledger WHERE workspace_id = $1 ORDER BY number")

    /// What really changed, in order: the row's lock makes them follow each other.
    func changes(_ id: UUID) async throws -> [Change] {
        try await pool.query(Self.changes, [id]).map {
            Change(was: $0.string(0), became: $0.string(1), transaction: $0.string(2))
        }
    }

    private static let events = Statement(
        "test_events",
        """
        SELECT substr(type, length('workspace.') + 1), transaction_id::text FROM structure_events
        WHERE workspace_id = $1 ORDER BY sequence
        """)

    /// The published changes, in the order of the log.
    func events(_ id: UUID) async throws -> [Change] {
        try await pool.query(Self.events, [id]).map { Change(became: $0.string(0), transaction: $0.string(1)) }
    }

    private static let flip = Statement(
        "test_flip",
        """
        UPDATE workspaces SET status = $2::workspace_status, status_changed_at = now(), updated_at = now()
        WHERE id = $1 AND status = ANY ($3::text[]::workspace_status[])
        """)
    private static let publish = Statement(
        "test_publish",
        "INSERT INTO structure_events (type, workspace_id, source) VALUES ('workspace.' || $2, $1, 'switchyard/test')")
    private static let roundTrip = Statement("test_round_trip", "SELECT 1")

    /// A change as the lifecycle makes it: conditional on the status it starts from, its event in the same transaction.
    ///
    /// - Parameter roundTrips: for how long it stays open, in the middle.
    func change(_ id: UUID, _ change: LifecycleChange, roundTrips: Int) async throws -> Bool {
        try await pool.transaction { transaction in
            let flipped = try await transaction.query(
                Self.flip, [id, change.becomes.rawValue, change.from.map(\.rawValue)])
            for _ in 0..<roundTrips { _ = try await transaction.query(Self.roundTrip) }
            if flipped.affected == 0 { return false }
            _ = try await transaction.query(Self.publish, [id, change.becomes.rawValue])
            return true
        }
    }
}
