import Contracts
import Foundation
import JSONBytes
import Postgres

/// Writes workspaces straight from rows to bytes: a list of 100 000 is not decoded to be encoded again.
enum WorkspaceJSON {
    static func object(_ members: (inout JSONWriter) -> Void) -> [UInt8] {
        var writer = JSONWriter()
        writer.object(members)
        return writer.bytes
    }

    /// The columns that `write` reads, in order. `q` counts what waits.
    static let columns = """
        w.id, w.name, w.role, w.tier, w.status, COALESCE(w.url, ''), w.parent_id, w.agent_card, w.runtime,
        v.active_tasks, w.max_concurrent_tasks, v.error_rate, v.sample_error, v.uptime_seconds, v.current_task,
        v.last_heartbeat_at, v.last_outbound_at, w.budget_limit, w.monthly_spend, w.workspace_dir,
        COALESCE(l.x, 0), COALESCE(l.y, 0), COALESCE(l.collapsed, false), w.created_at, w.updated_at,
        (SELECT count(*) FROM a2a_queue q WHERE q.workspace_id = w.id AND q.status = 'queued'), w.status_reason
        """

    /// What `columns` selects from.
    static let tables = """
        workspaces w JOIN workspace_vitals v ON v.workspace_id = w.id
        LEFT JOIN canvas_layouts l ON l.workspace_id = w.id
        """

    /// How much of a workspace is shown.
    enum Detail: Sendable, Hashable {
        /// To anyone: who it is and how it is.
        case `public`
        /// With where it is reached and its card, to those who may talk to it; in development to anyone.
        case reachable
        /// All but the card, in the list of the whole fleet: cards may be long.
        case fleet
        /// All, to operators.
        case full
    }

    /// What of a workspace is shown.
    struct View: Sendable {
        var detail: Detail
        /// What the templates declare, by runtime.
        var provisionTimeouts: [String: Duration]
    }

    /// - Parameter more: writes further members behind these.
    static func write(
        _ row: PostgresRow, _ view: View, to writer: inout JSONWriter, more: (inout JSONWriter) -> Void = { _ in }
    ) {
        let isFull = view.detail == .full || view.detail == .fleet
        let isReachable = view.detail != .public
        writer.object { writer in
            writer.member("id", row.string(0))
            writer.member("name", row.string(1))
            writer.member("role", orNull: row.optionalString(2))
            writer.member("tier", row.int(3))
            writer.member("status", row.string(4))
            if isReachable { writer.member("url", row.string(5)) }
            writer.member("parent_id", orNull: row.optionalString(6))
            if isReachable, view.detail != .fleet { writer.member("agent_card", rawOrNull: row.optionalBytes(7)) }
            writer.member("runtime", row.string(8))
            writer.member("active_tasks", row.int(9))
            writer.member("max_concurrent_tasks", row.int(10))
            writer.member("last_error_rate", row.double(11))
            if isFull { writer.member("last_sample_error", row.string(12)) }
            writer.member("uptime_seconds", row.int(13))
            if isFull { writer.member("current_task", row.string(14)) }
            writer.member("last_heartbeat_at", orNull: time(row, 15))
            writer.member("last_outbound_at", orNull: time(row, 16))
            if isFull {
                writer.member("budget_limit", orNull: row.optionalInt(17))
                writer.member("monthly_spend", row.int(18))
                writer.member("workspace_dir", orNull: row.optionalString(19))
            }
            writer.member("x", row.double(20))
            writer.member("y", row.double(21))
            writer.member("collapsed", row.bool(22))
            writer.member("created_at", orNull: time(row, 23))
            writer.member("updated_at", orNull: time(row, 24))
            writer.member("queue_depth", row.int(25))
            if isFull { writer.member("status_reason", orNull: row.optionalString(26)) }
            if !view.provisionTimeouts.isEmpty, let timeout = view.provisionTimeouts[row.string(8)] {
                writer.member("provision_timeout_ms", Int(timeout.components.seconds) * 1000)
            }
            more(&writer)
        }
    }

    private static func time(_ row: PostgresRow, _ column: Int) -> String? {
        row.optionalDate(column).map { RFC3339.format($0) }
    }
}
