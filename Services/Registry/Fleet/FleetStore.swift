import Contracts
import Foundation
import JSONBytes
import PlatformInternals
import Postgres

/// The statements about the fleet as a whole, for operators.
package struct FleetStore: Sendable {
    let postgres: PostgresPool

    package init(postgres: PostgresPool) {
        self.postgres = postgres
    }

    private static let deadline: Duration = .seconds(10)

    // MARK: - Counts

    private static let statuses = Statement(
        "fleet_statuses",
        """
        SELECT w.status, count(*), coalesce(sum(v.active_tasks) FILTER (WHERE w.status <> 'removed'), 0)
        FROM workspaces w LEFT JOIN workspace_vitals v ON v.workspace_id = w.id GROUP BY w.status
        """)

    /// Counted by index-only scans, up to a limit.
    private static let queue = Statement(
        "fleet_queue",
        """
        SELECT
            (SELECT count(*) FROM (SELECT FROM a2a_queue
                WHERE status = 'queued' AND attempts = 0 AND refusals = 0 LIMIT $1) AS c),
            (SELECT count(*) FROM (SELECT FROM a2a_queue
                WHERE status = 'queued' AND (attempts > 0 OR refusals > 0) LIMIT $1) AS c),
            (SELECT count(*) FROM (SELECT FROM a2a_queue WHERE status = 'dispatched' LIMIT $1) AS c),
            extract(epoch FROM now() - least(
                (SELECT enqueued_at FROM a2a_queue
                 WHERE status = 'queued' AND attempts = 0 AND refusals = 0 ORDER BY enqueued_at, id LIMIT 1),
                (SELECT enqueued_at FROM a2a_queue
                 WHERE status = 'queued' AND (attempts > 0 OR refusals > 0) ORDER BY enqueued_at, id LIMIT 1)))::float8
        """)

    /// The counts of the fleet.
    package struct Numbers: Sendable {
        package var statuses: [WorkspaceStatus: Int] = [:]
        package var callsInFlight = 0
        package var waiting = 0
        package var retrying = 0
        package var running = 0
        package var oldestWaitingSeconds: Int?
    }

    /// Counts the fleet.
    package func numbers() async throws -> Numbers {
        let results = try await postgres.transaction(deadline: Self.deadline, readOnly: true) { transaction in
            try await transaction.query([Call(Self.statuses), Call(Self.queue, [Limits.queueChangeCount])])
        }
        var numbers = Numbers()
        try results[0].forEach { row in
            if let status = WorkspaceStatus(rawValue: row.string(0)) { numbers.statuses[status] = row.int(1) }
            numbers.callsInFlight += row.int(2)
        }
        try results[1].forEach { row in
            (numbers.waiting, numbers.retrying, numbers.running) = (row.int(0), row.int(1), row.int(2))
            numbers.oldestWaitingSeconds = row.optionalDouble(3).map { Int(max(0, $0)) }
        }
        return numbers
    }

    // MARK: - The list

    private static let count = Statement(
        "", "SELECT count(*) FROM workspaces w WHERE \(FleetFilter.condition)")

    /// When the oldest queued item of `w` was stored: it is the first of its priority, or has been requeued since. A
    /// scan of all queued items would read their rows.
    private static let oldest = """
        SELECT min(o.enqueued_at) FROM (
            (WITH RECURSIVE first (priority, enqueued_at) AS (
                (\(first("")))
                UNION ALL
                SELECT next.* FROM first CROSS JOIN LATERAL (\(first("AND q.priority < first.priority"))) AS next)
            SELECT first.enqueued_at FROM first)
            UNION ALL
            (SELECT q.enqueued_at FROM a2a_queue q
            WHERE q.workspace_id = w.id AND q.status = 'queued' AND q.requeued_at IS NOT NULL
            ORDER BY q.requeued_at, q.id LIMIT 1000)) AS o
        """

    private static func first(_ condition: String) -> String {
        """
        SELECT q.priority, q.enqueued_at FROM a2a_queue q
        WHERE q.workspace_id = w.id AND q.status = 'queued' \(condition)
        ORDER BY q.priority DESC, coalesce(q.requeued_at, q.enqueued_at), q.id LIMIT 1
        """
    }

    /// The columns of the workspaces of a page, in the order of the keys. `path` begins at the root.
    private static let rows = """
        SELECT \(WorkspaceJSON.columns), page.value, coalesce(up.path, '{}'),
            (SELECT count(*) FROM workspaces c WHERE c.parent_id = w.id AND c.status <> 'removed'),
            extract(epoch FROM now() - (\(oldest)))::float8
        FROM page JOIN \(WorkspaceJSON.tables) ON w.id = page.id
        CROSS JOIN LATERAL (
            WITH RECURSIVE above (id, level) AS (
                SELECT w.parent_id, 1 WHERE w.parent_id IS NOT NULL
                UNION ALL
                SELECT p.parent_id, above.level + 1 FROM above JOIN workspaces p ON p.id = above.id
                WHERE p.parent_id IS NOT NULL AND above.level < \(TreePosition.levelLimit))
            SELECT array_agg(above.id ORDER BY above.level DESC) AS path FROM above) AS up
        ORDER BY page.n
        """

    /// Unnamed, so that they are planned for each set of values: a generic plan could not know whether it has to read
    /// twenty workspaces or twenty thousand.
    private static func page(_ order: FleetOrder) -> Statement {
        let (value, type, tables) = order.key.expression
        let (comparison, direction) = order.isDescending ? ("<", "DESC") : (">", "ASC")
        return Statement(
            "",
            """
            WITH page AS MATERIALIZED (
                SELECT row_number() OVER () AS n, sorted.id, sorted.value::text AS value FROM (
                    SELECT w.id, \(value) AS value FROM workspaces w \(tables)
                    WHERE \(FleetFilter.condition)
                        AND ($5::text IS NULL OR (\(value), w.id) \(comparison) ($5::text::\(type), $6::uuid))
                    ORDER BY \(value) \(direction), w.id \(direction) LIMIT $7) AS sorted)
            \(rows)
            """)
    }

    /// One for each order.
    private static let pages: [FleetOrder: Statement] = Dictionary(
        uniqueKeysWithValues: FleetOrder.all.map { ($0, page($0)) })

    /// - Returns: the statement that lists the fleet in an order.
    package static func statement(_ order: FleetOrder) -> Statement { pages[order] ?? page(order) }

    /// One page of the list.
    package struct Page: Sendable {
        /// Possibly one more than is shown.
        package var rows: PostgresRows
        package var shown: Int
        package var total: Int
        package var next: FleetCursor?
    }

    /// The workspaces after a cursor.
    package func page(
        _ filter: FleetFilter, _ order: FleetOrder, after cursor: FleetCursor?, limit: Int
    ) async throws -> Page {
        // One more than the limit shows whether there is another page.
        let parameters = filter.parameters + [cursor?.value, cursor?.id, limit + 1]
        // On an exclusive connection: most orders scan the whole fleet.
        let results = try await postgres.transaction(deadline: Self.deadline, readOnly: true) { transaction in
            try await transaction.query([
                Call(Self.statement(order), parameters), Call(Self.count, filter.parameters),
            ])
        }
        let rows = results[0]
        var page = Page(rows: rows, shown: min(rows.count, limit), total: try results[1].first { $0.int(0) } ?? 0)
        if rows.count > limit {
            let keys = try rows.map { (value: $0.string(27), id: $0.uuid(0)) }
            page.next = FleetCursor(order: order, value: keys[limit - 1].value, id: keys[limit - 1].id)
        }
        return page
    }

    /// The workspaces of a page, each with its members.
    static func write(_ page: Page, _ view: WorkspaceJSON.View, to writer: inout JSONWriter) throws(PostgresError) {
        var left = page.shown
        try page.rows.forEach { row in
            guard left > 0 else { return }
            left -= 1
            write(row, view, to: &writer)
        }
    }

    private static func write(_ row: PostgresRow, _ view: WorkspaceJSON.View, to writer: inout JSONWriter) {
        WorkspaceJSON.write(row, view, to: &writer) { writer in
            let path = row.uuids(28)
            writer.member("oldest_waiting_seconds", orNull: row.optionalDouble(30).map { Int(max(0, $0)) })
            writer.member("depth", path.count)
            writer.member("child_count", row.int(29))
            writer.member("path", strings: path.map(\.lowercased))
        }
    }
}

extension FleetOrder {
    package static let all = Key.allCases.flatMap { key in
        [false, true].map { isDescending in
            var order = FleetOrder()
            order.key = key
            order.isDescending = isDescending
            return order
        }
    }
}

extension FleetOrder.Key {
    /// The number of queued items, counted up to ten thousand.
    private static let depth = """
        CROSS JOIN LATERAL (SELECT count(*) AS depth FROM (
            SELECT FROM a2a_queue q WHERE q.workspace_id = w.id AND q.status = 'queued' LIMIT 10000) AS c) AS d
        """

    /// The sort value of a workspace `w`, never NULL; its type; and the tables to join for it.
    fileprivate var expression: (value: String, type: String, tables: String) {
        let vitals = "JOIN workspace_vitals v ON v.workspace_id = w.id"
        return switch self {
        case .name: ("lower(w.name)", "text", "")
        case .status: ("w.status::text", "text", "")
        case .role: ("lower(coalesce(w.role, ''))", "text", "")
        case .runtime: ("w.runtime", "text", "")
        case .activeTasks: ("v.active_tasks", "int", vitals)
        case .queueDepth: ("d.depth", "bigint", Self.depth)
        case .lastHeartbeat: ("coalesce(v.last_heartbeat_at, '-infinity')", "timestamptz", vitals)
        case .monthlySpend: ("w.monthly_spend", "bigint", "")
        case .created: ("w.created_at", "timestamptz", "")
        }
    }
}
