import Authentication
import Contracts
import EventOutbox
import Foundation
import JSONBytes
import Lifecycle
import Postgres
import ServiceHost
import Templates

/// A workspace as it is to be created, every value checked.
struct NewWorkspace: Sendable {
    var id = UUID()
    var request: CreateWorkspaceRequest
    var runtime: String
    var isExternal: Bool
    /// A container of ours is to be started for it.
    var isStartedByPlatform = false
    var status: WorkspaceStatus
    var statusReason: String?
    var access: WorkspaceAccess
    /// For an external workspace: what its agent will register with. That of a container is written where it starts.
    var token: WorkspaceToken?
    /// Without data: that it is being provisioned.
    var events: [(type: EventType, data: [UInt8]?)] = []
    /// Those of its template. The scheduler computes when they are due.
    var schedules: [TemplateSchedule] = []
}

/// Which workspaces a list asks for.
struct WorkspaceFilter: Sendable {
    var status: WorkspaceStatus?
    var parent: UUID?
    var text: String?
}

/// The statements about workspaces as a whole.
struct WorkspaceStore: Sendable {
    let postgres: PostgresPool
    let source: String

    private static let schedules = Recordset<TemplateSchedule>([
        .text("name") { $0.name },
        .text("expression") { $0.expression },
        .text("timezone") { $0.timezone },
        .text("prompt") { $0.prompt },
        .bool("enabled") { $0.isEnabled },
        .text("overlap") { $0.overlap.rawValue },
        .text("missed") { $0.missed.rawValue },
    ])

    /// The workspace, its vitals, place, token and events; nothing at all when the parent is unknown or removed.
    private static let create = Statement(
        "workspace_create",
        """
        WITH workspace AS (
            INSERT INTO workspaces (id, name, role, tier, runtime, model, template, status, status_reason, url,
                parent_id, external, workspace_dir, workspace_access, budget_limit, max_concurrent_tasks,
                hibernation_idle_minutes, managed)
            SELECT $1, $2, $3, $4, $5, $6, $7, $8::workspace_status, $9, $10, $11, $12, $13, $14, $15, $16, $17, $26
            WHERE $11::uuid IS NULL
                OR EXISTS (SELECT FROM workspaces p WHERE p.id = $11::uuid AND p.status <> 'removed' FOR KEY SHARE)
            RETURNING id, name, tier, runtime
        ), vitals AS (
            INSERT INTO workspace_vitals (workspace_id) SELECT id FROM workspace
        ), layout AS (
            INSERT INTO canvas_layouts (workspace_id, x, y)
            SELECT id, $18, $19 FROM workspace WHERE $18::float8 IS NOT NULL
        ), token AS (
            INSERT INTO workspace_auth_tokens (workspace_id, token_hash, prefix)
            SELECT id, $20, $21 FROM workspace WHERE $20::bytea IS NOT NULL
        ), job AS (
            INSERT INTO lifecycle_jobs (workspace_id, kind, reason) SELECT id, 'start', 'created' FROM workspace WHERE $26
        ), schedule AS (
            INSERT INTO workspace_schedules (workspace_id, name, cron_expr, timezone, prompt, enabled, overlap, missed,
                source)
            SELECT workspace.id, s.name, s.expression, s.timezone, s.prompt, s.enabled, s.overlap, s.missed, 'template'
            FROM workspace, json_to_recordset($27::json) AS s (\(schedules.definition))
        ), event AS (
            INSERT INTO structure_events (type, workspace_id, source, data, traceparent)
            SELECT e.type, id, $22, COALESCE(e.data::json, event_workspace_provisioning(name, tier, runtime)), $23
            FROM workspace, unnest($24::text[], $25::text[]) AS e(type, data)
            RETURNING \(CommittedEvent.columns)
        )
        SELECT w.id, event.* FROM workspace w LEFT JOIN event ON true
        """)

    /// Creates a workspace.
    ///
    /// - Returns: its events, or `nil` when its parent is unknown or removed.
    func create(_ new: NewWorkspace, traceparent: String?) async throws(PostgresError) -> [CommittedEvent]? {
        let request = new.request
        let rows = try await postgres.query(
            Self.create,
            [
                new.id, request.name, request.role, request.tier, new.runtime, request.model, request.template,
                new.status.rawValue, new.statusReason, request.url, request.parentID, new.isExternal,
                request.workspaceDirectory, new.access.rawValue, request.budgetLimit, request.maxConcurrentTasks ?? 1,
                request.hibernationIdleMinutes, request.canvas?.x, request.canvas?.y, new.token.map { Bytea($0.hash) },
                new.token?.prefix, source, traceparent, new.events.map(\.type.rawValue),
                new.events.map { $0.data.map { String(decoding: $0, as: UTF8.self) } }, new.isStartedByPlatform,
                Self.schedules.json(new.schedules),
            ])
        return try rows.isEmpty ? nil : rows.compactMap { CommittedEvent(row: $0, firstColumn: 1) }
    }

    private static let get = Statement(
        "workspace_get", "SELECT \(WorkspaceJSON.columns) FROM \(WorkspaceJSON.tables) WHERE w.id = $1")

    /// One workspace as JSON; `nil` when there is none, or none any more that others than operators are told of.
    func get(_ id: UUID, _ view: WorkspaceJSON.View) async throws(PostgresError) -> [UInt8]? {
        try await postgres.query(Self.get, [id]).first { row in
            guard view.detail == .full || row.string(4) != WorkspaceStatus.removed.rawValue else { return nil }
            var writer = JSONWriter(reservingCapacity: 1024)
            WorkspaceJSON.write(row, view, to: &writer)
            return writer.bytes
        }
    }

    /// One page by key, so that a page costs the same wherever it is. The first one begins after the smallest key: a
    /// condition that may be absent could not be looked up in the index.
    private static let page = Statement(
        "workspace_page",
        """
        SELECT \(WorkspaceJSON.columns) FROM \(WorkspaceJSON.tables)
        WHERE (w.created_at, w.id) > (COALESCE($1::timestamptz, '-infinity'),
                COALESCE($2::uuid, '00000000-0000-0000-0000-000000000000'))
            AND CASE WHEN $3::text IS NULL THEN w.status <> 'removed' ELSE w.status = $3::workspace_status END
            AND ($4::uuid IS NULL OR w.parent_id = $4)
            AND ($5::text IS NULL OR strpos(lower(w.name), lower($5)) > 0
                OR strpos(lower(COALESCE(w.role, '')), lower($5)) > 0)
        ORDER BY w.created_at, w.id LIMIT $6
        """)

    /// The next workspaces after `cursor`, and where the page after them begins; `nil` at the end.
    func page(
        _ filter: WorkspaceFilter, after cursor: ListCursor?, limit: Int
    ) async throws(PostgresError) -> (rows: PostgresRows, next: ListCursor?) {
        let rows = try await postgres.query(
            Self.page,
            [cursor?.at, cursor?.id, filter.status?.rawValue, filter.parent, filter.text, limit])
        guard rows.count == limit else { return (rows, nil) }
        return (rows, try rows.last { ListCursor(at: $0.date(23), id: $0.uuid(0)) })
    }
}
