import Foundation
import Postgres

/// Repair of a log that was restored from a backup: `pg_restore` copies transaction ids of another server, which may be
/// far ahead of this one's. New entries would be before such positions for a long time, so that a client that resumes
/// from one would silently get nothing.
extension EventLog {
    /// Rows per update.
    private static let batch = 2000

    private static let restored = Statement(
        "log_restored",
        """
        SELECT greatest(
            (SELECT max(sequence) FROM structure_events WHERE transaction_id >= pg_snapshot_xmax(pg_current_snapshot())),
            (SELECT sequence FROM event_log_floor WHERE transaction_id >= pg_snapshot_xmax(pg_current_snapshot())))
        """)
    private static let adoptFloor = Statement(
        "log_adopt_floor", "UPDATE event_log_floor SET transaction_id = '1' WHERE sequence <= $1")
    private static let adopt = Statement(
        "log_adopt",
        """
        WITH batch AS MATERIALIZED (
            SELECT sequence FROM structure_events
            WHERE sequence > $1 AND sequence <= $2 AND transaction_id <> '1' ORDER BY sequence LIMIT $3 FOR UPDATE
        ), adopted AS (
            UPDATE structure_events e SET transaction_id = '1' FROM batch WHERE e.sequence = batch.sequence
        )
        SELECT max(sequence) FROM batch
        """)

    /// Moves restored entries before all that this server writes, in the order of the sequence. The last row is updated
    /// last, so that an interrupted repair is detected and continued. May run concurrently.
    ///
    /// - Returns: whether there were any.
    func repairRestored() async throws(PostgresError) -> Bool {
        guard let last = try await postgres.query(Self.restored).only({ $0.isNull(0) ? nil : $0.int(0) }) else {
            return false
        }
        _ = try await postgres.query(Self.adoptFloor, [last])
        var next: Int? = 0
        while let start = next {
            let batch = try await postgres.query(Self.adopt, [start, last, Self.batch])
            next = try batch.only { $0.isNull(0) ? nil : $0.int(0) }
        }
        return true
    }
}
