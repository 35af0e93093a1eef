import Concurrency
import Contracts
import Foundation
import Postgres

/// Rows of a feed from `lower` on and before `upper`; nil where it has no end.
struct ActivityRange: Sendable, Equatable {
    var lower: ActivityPosition?
    var upper: ActivityPosition?
    /// A filter has been asked about it.
    var isIndexed = false
}

/// The statements of the feed's index: what is known of pieces of it.
struct BlockStore: Sendable {
    /// Rows of a piece.
    static let rows = 500
    /// Ranges that are looked up at once.
    private static let limit = 100

    let postgres: PostgresPool

    private static let ends = Statement(
        "block_ends",
        """
        (SELECT upper_at, upper_id FROM activity_blocks WHERE workspace_id = $1
            ORDER BY lower_at DESC, lower_id DESC LIMIT 1)
        UNION ALL
        (SELECT lower_at, lower_id FROM activity_blocks WHERE workspace_id = $1 ORDER BY lower_at, lower_id LIMIT 1)
        """)

    private static let candidates = Statement(
        "block_candidates",
        """
        SELECT lower_at, lower_id, upper_at, upper_id FROM activity_blocks
        WHERE workspace_id = $1 AND (lower_at, lower_id) < (coalesce($2::timestamptz, 'infinity'), $3::uuid)
            AND NOT EXISTS (
                SELECT FROM unnest($4::int[]) AS hash WHERE get_bit(
                    substring(filter FROM hash % (8 * octet_length(filter)) / 8 + 1 FOR 1), hash % 8) = 0)
        ORDER BY lower_at DESC, lower_id DESC LIMIT $5
        """)

    /// Where rows may stand in which a text is found, newest first: what has no filter, and the pieces whose filter has
    /// all that is wanted.
    ///
    /// - Parameters:
    ///   - hashes: of ``GramFilter``; without any, all of the feed.
    ///   - before: where to begin.
    /// - Returns: and whether there are no more behind the last.
    func ranges(
        _ workspace: UUID, hashes: [Int32], before: ActivityPosition?
    ) async throws(PostgresError) -> (ranges: [ActivityRange], isAll: Bool) {
        let whole = ActivityRange(upper: before)
        if hashes.isEmpty { return ([whole], true) }
        let results = try await postgres.atomically([
            Call(Self.ends, [workspace]),
            Call(
                Self.candidates,
                [workspace, before?.time, before?.rowID ?? ActivityPosition.noRow, hashes.map { Int($0) }, Self.limit]),
        ])
        let ends = try results[0].map { ActivityPosition(time: $0.date(0), id: $0.uuid(1)) }
        guard ends.count == 2 else { return ([whole], true) }
        let (top, bottom) = (ends[0], ends[1])
        func upTo(_ position: ActivityPosition) -> ActivityPosition { before.map { min($0, position) } ?? position }
        var ranges: [ActivityRange] = []
        if before.map({ $0 > top }) ?? true { ranges.append(ActivityRange(lower: top, upper: before)) }
        try results[1].forEach { row in
            let lower = ActivityPosition(time: row.date(0), id: row.uuid(1))
            // No row twice: a piece may have been made since the ends were looked up, or reach into another's.
            let upper = min(
                upTo(ActivityPosition(time: row.date(2), id: row.uuid(3))), ranges.last?.lower ?? .distantFuture)
            if lower < upper { ranges.append(ActivityRange(lower: lower, upper: upper, isIndexed: true)) }
        }
        let isAll = results[1].count < Self.limit
        if isAll { ranges.append(ActivityRange(upper: min(upTo(bottom), ranges.last?.lower ?? .distantFuture))) }
        return (ranges, isAll)
    }

    private static let next = Statement(
        "block_next",
        """
        WITH top AS (
            SELECT upper_at, upper_id FROM activity_blocks WHERE workspace_id = $1
            ORDER BY lower_at DESC, lower_id DESC LIMIT 1
        )
        SELECT created_at, id FROM activity_logs
        WHERE workspace_id = $1 AND created_at < now() - make_interval(secs => $2)
            AND (created_at, id) >= (coalesce((SELECT upper_at FROM top), '-infinity'),
                coalesce((SELECT upper_id FROM top), '00000000-0000-0000-0000-000000000000'))
        ORDER BY created_at, id LIMIT $3
        """)

    /// The piece behind the last that has a filter.
    ///
    /// - Parameter age: of its rows, at least. What is written late, by a proxy that had no database, seldom comes into a
    ///   piece that has its filter already; one that it does come into is opened (`activity_logs_late`).
    /// - Returns: nil while there are not enough rows.
    func next(_ workspace: UUID, age: Duration) async throws(PostgresError) -> ActivityRange? {
        let found = try await postgres.query(Self.next, [workspace, age.inSeconds, Self.rows + 1])
        guard found.count > Self.rows else { return nil }
        let positions = try found.map { ActivityPosition(time: $0.date(0), id: $0.uuid(1)) }
        return ActivityRange(lower: positions[0], upper: positions[Self.rows])
    }

    private static let add = Statement(
        "block_add",
        """
        INSERT INTO activity_blocks (workspace_id, lower_at, lower_id, upper_at, upper_id, filter)
        SELECT $1, $2, $3, $4, $5, $6 WHERE EXISTS (SELECT FROM workspaces WHERE id = $1)
        ON CONFLICT DO NOTHING
        """)

    /// Keeps the filter of a piece. Of two indexers that have the same, one is too late, which does no harm.
    func add(_ piece: ActivityRange, _ filter: [UInt8], of workspace: UUID) async throws(PostgresError) {
        guard let lower = piece.lower, let upper = piece.upper else { return }
        _ = try await postgres.query(
            Self.add, [workspace, lower.time, lower.rowID, upper.time, upper.rowID, Bytea(filter)])
    }
}
