import Contracts
import EventOutbox
import Foundation
import HTTPCore
import JSONBytes
import PlatformInternals
import Postgres
import UVHTTPServer

/// What an update did.
struct WorkspaceUpdate: Sendable {
    /// The names of what changed, as in the request.
    var fields: [String] = []
    var events: [CommittedEvent] = []
}

/// Changes the configuration of workspaces: one transaction for the row, its place on the canvas and the events.
struct WorkspaceUpdateStore: Sendable {
    let postgres: PostgresPool
    let source: String

    /// With its new parent, in the order of the ids, as everybody locks several workspaces.
    private static let lock = Statement(
        "update_lock",
        """
        SELECT id FROM workspaces WHERE id IN ($1, $2::uuid) AND status <> 'removed' ORDER BY id FOR NO KEY UPDATE
        """)

    /// A statement of its own behind the lock: its snapshot has what the lock waited for, in both tables.
    private static let current = Statement(
        "update_current",
        """
        SELECT w.name, w.role, w.tier, w.parent_id, w.runtime, w.workspace_dir, w.max_concurrent_tasks,
            COALESCE(l.x, 0), COALESCE(l.y, 0), COALESCE(l.collapsed, false), w.external
        FROM workspaces w LEFT JOIN canvas_layouts l ON l.workspace_id = w.id WHERE w.id = $1
        """)

    /// Whether the parent, which is locked, is there, and whether the workspace ($2) is it or above it. The whole way
    /// up, however deep: a circle may be longer than what the access rules look at.
    private static let parent = Statement(
        "update_parent",
        """
        SELECT p.status <> 'removed', EXISTS (
            WITH RECURSIVE up (id, parent_id) AS (
                SELECT id, parent_id FROM workspaces WHERE id = $1
                UNION
                SELECT above.id, above.parent_id FROM up JOIN workspaces above ON above.id = up.parent_id
            )
            SELECT FROM up WHERE up.id = $2)
        FROM workspaces p WHERE p.id = $1
        """)

    private static let update = Statement(
        "update_write",
        """
        WITH workspace AS (
            UPDATE workspaces SET name = $2, role = $3, tier = $4, parent_id = $5, runtime = $6, workspace_dir = $7,
                max_concurrent_tasks = $8, updated_at = now()
            WHERE id = $1
        ), layout AS (
            INSERT INTO canvas_layouts (workspace_id, x, y, collapsed) VALUES ($1, $9, $10, $11)
            ON CONFLICT (workspace_id) DO UPDATE SET x = $9, y = $10, collapsed = $11
        )
        INSERT INTO structure_events (type, workspace_id, source, data, traceparent)
        SELECT e.type, $1, $12, e.data::json, $13 FROM unnest($14::text[], $15::text[]) AS e(type, data)
        RETURNING \(CommittedEvent.columns)
        """)

    /// What a start reads.
    private static let startFields: Set<String> = ["runtime", "tier", "workspace_dir"]

    /// A start that is under way has read the old values.
    private static let repeatStart = Statement(
        "update_repeat_start",
        """
        UPDATE lifecycle_jobs SET repeats = true WHERE workspace_id = $1 AND completed_at IS NULL
            AND lease_owner IS NOT NULL AND kind IN ('start', 'restart')
        """)

    /// Applies a request that was checked.
    ///
    /// - Throws: `APIError` 400 for a parent that is unknown or would close a circle, 404; `PostgresError`.
    func update(
        _ id: UUID, _ request: UpdateWorkspaceRequest, traceparent: String?
    ) async throws -> WorkspaceUpdate {
        try await postgres.transaction { transaction in
            if request.parentID.isPresent { _ = try await transaction.query(TreeLock.take) }
            let rows = try await transaction.query(
                [Call(Self.lock, [id, request.parentID.value]), Call(Self.current, [id])])
            guard try rows[0].map({ $0.uuid(0) }).contains(id) else {
                throw APIError(.notFound, ErrorMessage.workspaceNotFound)
            }
            let (old, isExternal) = try rows[1].only { (Self.configuration($0), $0.bool(10)) }
            let new = WorkspaceUpdateRule.apply(request, to: old)
            try WorkspaceUpdateRule.check(old, becomes: new, isExternal: isExternal)
            let fields = WorkspaceUpdateRule.changedFields(old, new)
            if fields.isEmpty { return WorkspaceUpdate() }
            if let parent = new.parentID, parent != old.parentID {
                try await check(parent: parent, of: id, transaction)
            }
            if !Self.startFields.isDisjoint(with: fields) { _ = try await transaction.query(Self.repeatStart, [id]) }
            return WorkspaceUpdate(
                fields: fields, events: try await write(id, old, new, fields, traceparent, transaction))
        }
    }

    private func check(parent: UUID, of id: UUID, _ transaction: Transaction) async throws {
        let found = try await transaction.query(Self.parent, [parent, id]).first { ($0.bool(0), $0.bool(1)) }
        guard let (isPresent, isBelow) = found, isPresent else { throw Self.refusedParent("is not a workspace") }
        if isBelow { throw Self.refusedParent("is the workspace itself or below it") }
    }

    private static func refusedParent(_ reason: String) -> APIError {
        APIError(.badRequest, ErrorMessage.invalidWorkspacePayload, field: "parent_id", reason: reason)
    }

    private func write(
        _ id: UUID, _ old: WorkspaceConfiguration, _ new: WorkspaceConfiguration, _ fields: [String],
        _ traceparent: String?, _ transaction: Transaction
    ) async throws -> [CommittedEvent] {
        var events: [(type: EventType, data: RawJSON)] = [
            (.workspaceUpdated, try RawJSON(encoding: WorkspaceUpdated(name: new.name, fields: fields)))
        ]
        if old.parentID != new.parentID {
            let moved = WorkspaceMoved(parentID: new.parentID, previousParentID: old.parentID)
            events.append((.workspaceMoved, try RawJSON(encoding: moved)))
        }
        let rows = try await transaction.query(
            Self.update,
            [
                id, new.name, new.role, new.tier, new.parentID, new.runtime, new.workspaceDirectory,
                new.maxConcurrentTasks, new.x, new.y, new.isCollapsed, source, traceparent,
                events.map(\.type.rawValue), events.map { String(decoding: $0.data.bytes, as: UTF8.self) },
            ])
        return try rows.compactMap { CommittedEvent(row: $0) }
    }

    private static func configuration(_ row: PostgresRow) -> WorkspaceConfiguration {
        WorkspaceConfiguration(
            name: row.string(0), role: row.optionalString(1), tier: row.int(2), parentID: row.optionalUUID(3),
            runtime: row.string(4), workspaceDirectory: row.optionalString(5), maxConcurrentTasks: row.int(6),
            x: row.double(7), y: row.double(8), isCollapsed: row.bool(9))
    }
}
