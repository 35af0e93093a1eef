import Contracts
import Foundation
import JSONBytes
import PlatformInternals
import ServiceHost
import UVHTTPServer

/// The body of `POST /workspaces/bulk`.
struct BulkRequest: Sendable {
    enum Selection: Sendable {
        case ids([UUID])
        /// The matching workspaces after the cursor.
        case filter(FleetFilter, BulkCursor?)
    }

    var selection: Selection
    var action: BulkAction
    var isDry: Bool
    /// Confirms that children are deleted with their parents.
    var isConfirmed: Bool

    private static let members = ["ids", "filter", "cursor", "action", "dry_run", "confirm"]

    /// Unknown members are rejected: one may be a misspelt `dry_run`.
    ///
    /// - Throws: `APIError` 400 naming the field.
    init(_ body: JSONObject) throws(APIError) {
        if let unknown = body.members.first(where: { !Self.members.contains($0.name) }) {
            throw .invalidBody(field: unknown.name, reason: "is not a member of the request")
        }
        let read = try Self.read(body)
        guard let action = read.action.flatMap(BulkAction.init) else {
            let known = BulkAction.allCases.map(\.rawValue).joined(separator: ", ")
            throw .invalidBody(field: "action", reason: "must be one of: \(known)")
        }
        self.action = action
        isDry = read.isDry
        isConfirmed = read.isConfirmed
        switch (read.ids, read.filter) {
        case (let ids?, nil):
            if read.cursor != nil { throw .invalidBody(field: "cursor", reason: "must not stand beside ids") }
            selection = .ids(try Self.ids(ids))
        case (nil, let filter?):
            selection = .filter(try FleetFilter(changing: filter), try Self.cursor(read.cursor, action))
        case (nil, nil): throw .invalidBody(field: "ids", reason: "or filter is required")
        case (.some, .some): throw .invalidBody(field: "filter", reason: "must not stand beside ids")
        }
    }

    /// For the audit log.
    func audit(to writer: inout JSONWriter) {
        writer.member("action", action.rawValue)
        writer.member("dry_run", isDry)
        writer.member("confirm", isConfirmed)
        switch selection {
        case .ids(let ids): writer.auditMember(ids: ids)
        case .filter(let filter, let cursor):
            writer.member("filter", object: { filter.audit(to: &$0) })
            writer.member("goes_on", cursor != nil)
        }
    }

    private struct Members {
        var ids: [JSONSlice]?
        var filter: JSONObject?
        var cursor: String?
        var action: String?
        var isDry: Bool
        var isConfirmed: Bool
    }

    private static func read(_ body: JSONObject) throws(APIError) -> Members {
        do {
            return Members(
                ids: try body.array("ids"), filter: try body.object("filter"), cursor: try body.string("cursor"),
                action: try body.string("action"),
                isDry: try body.bool("dry_run") ?? false, isConfirmed: try body.bool("confirm") ?? false)
        } catch {
            throw .invalidBody(error)
        }
    }

    /// Null is accepted, as the first request of a loop sends it.
    private static func cursor(_ text: String?, _ action: BulkAction) throws(APIError) -> BulkCursor? {
        guard let text else { return nil }
        guard let cursor = BulkCursor(text, for: action) else {
            throw .invalidBody(field: "cursor", reason: "is not one that next_cursor gave for this action")
        }
        return cursor
    }

    /// Without duplicates, in the given order.
    private static func ids(_ elements: [JSONSlice]) throws(APIError) -> [UUID] {
        guard (1...Limits.bulkWorkspaces).contains(elements.count) else {
            throw .invalidBody(field: "ids", reason: "must have 1 to \(Limits.bulkWorkspaces) elements")
        }
        var ids: [UUID] = []
        var seen: Set<UUID> = []
        for element in elements {
            guard let id = element.string.flatMap({ UUID(canonical: $0) }) else {
                throw .invalidBody(field: "ids", reason: "must be UUIDs")
            }
            if seen.insert(id).inserted { ids.append(id) }
        }
        return ids
    }
}
