import Contracts
import Foundation
import JSONBytes
import PlatformInternals
import Postgres
import ServiceHost
import UVHTTPServer

/// A filter of the fleet's workspaces. Removed ones match only if their status is requested.
package struct FleetFilter: Sendable, Hashable {
    package var statuses: [WorkspaceStatus]?
    /// A substring of the name or the role, or the prefix of the id.
    package var text: String?
    package var parent: UUID?
    package var runtime: String?

    package init() {}

    /// The query of `GET /admin/workspaces`.
    ///
    /// - Throws: `APIError` 400 naming the parameter: ignoring one would return workspaces that were not requested.
    init(_ request: Request) throws(APIError) {
        statuses = try request.words("status", of: WorkspaceStatus.self)
        text = request.present("q")
        parent = try ChangeFilter.id("parent_id", request.present("parent_id"))
        runtime = request.present("runtime")
        try check()
    }

    private static let members = ["status", "q", "parent_id", "runtime"]

    /// The `filter` of a change. It must have at least one condition.
    ///
    /// - Throws: `APIError` 400 naming the field.
    package init(changing object: JSONObject) throws(APIError) {
        try ChangeFilter.check(object, has: Self.members)
        let members = try Self.read(object)
        statuses = try Self.statuses(members.statuses)
        text = members.text
        parent = try ChangeFilter.id("parent_id", members.parent)
        runtime = members.runtime
        try check()
        if self == FleetFilter() { throw .invalidBody(field: "filter", reason: "must have at least one member") }
    }

    /// The members with their types.
    private struct Members {
        var statuses: [JSONSlice]?
        var text: String?
        var parent: String?
        var runtime: String?
    }

    private static func read(_ object: JSONObject) throws(APIError) -> Members {
        do {
            return Members(
                statuses: try object.array("status"), text: try object.string("q"),
                parent: try object.string("parent_id"), runtime: try object.string("runtime"))
        } catch {
            throw .invalidBody(error)
        }
    }

    private static func statuses(_ elements: [JSONSlice]?) throws(APIError) -> [WorkspaceStatus]? {
        guard let elements else { return nil }
        guard !elements.isEmpty else { throw .invalidBody(field: "status", reason: "must not be empty") }
        return try Request.words("status", elements.map { $0.string ?? "" })
    }

    private func check() throws(APIError) {
        try ChangeFilter.check("q", text, upTo: Limits.searchText)
        try ChangeFilter.check("runtime", runtime, upTo: Limits.workspaceModel)
    }

    /// For the audit log.
    func audit(to writer: inout JSONWriter) {
        if let statuses { writer.member("status", strings: statuses.map(\.rawValue)) }
        writer.member("q", ifPresent: text)
        writer.member("parent_id", ifPresent: parent?.lowercased)
        writer.member("runtime", ifPresent: runtime)
    }

    // MARK: - In statements

    /// The values of `$1` to `$4`.
    var parameters: [any PostgresEncodable] { [statuses.map { $0.map(\.rawValue) }, text, parent, runtime] }

    /// Whether a workspace `w` matches.
    static let condition = """
        CASE WHEN $1::text[] IS NULL THEN w.status <> 'removed' ELSE w.status = ANY ($1::workspace_status[]) END
            AND ($2::text IS NULL OR strpos(lower(w.name), lower($2)) > 0
                OR strpos(lower(coalesce(w.role, '')), lower($2)) > 0 OR starts_with(w.id::text, lower($2)))
            AND ($3::uuid IS NULL OR w.parent_id = $3) AND ($4::text IS NULL OR w.runtime = $4)
        """
}

/// The sort order of the fleet's list.
package struct FleetOrder: Sendable, Hashable {
    package enum Key: String, Sendable, CaseIterable {
        case name, status, role, runtime
        case activeTasks = "active_tasks"
        case queueDepth = "queue_depth"
        case lastHeartbeat = "last_heartbeat_at"
        case monthlySpend = "monthly_spend"
        case created = "created_at"
    }

    package var key = Key.name
    package var isDescending = false

    package init() {}

    /// - Throws: `APIError` 400 naming the parameter.
    init(_ request: Request) throws(APIError) {
        if let keys = try request.words("sort", of: Key.self) {
            guard keys.count == 1 else { throw .invalidBody(field: "sort", reason: "must be one column") }
            key = keys[0]
        }
        switch request.present("order") {
        case nil, "asc": isDescending = false
        case "desc": isDescending = true
        default: throw .invalidBody(field: "order", reason: "must be asc or desc")
        }
    }
}

/// The cursor of a page of the fleet: the last workspace's value in the sort column, and its id.
package struct FleetCursor: Sendable, Hashable {
    package var order: FleetOrder
    package var value: String
    package var id: UUID

    package init(order: FleetOrder, value: String, id: UUID) {
        self.order = order
        self.value = value
        self.id = id
    }
}
