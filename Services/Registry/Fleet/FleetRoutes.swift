import Authentication
import Contracts
import Crypto
import Foundation
import HTTPCore
import JSONBytes
import Lifecycle
import PlatformInternals
import Postgres
import ServiceHost
import Templates
import UVHTTPServer

/// `/admin/fleet` and `/admin/workspaces`: the fleet's counts, and its list in any order.
struct FleetRoutes: Sendable {
    let context: ServiceContext
    let store: FleetStore
    let lifecycle: LifecycleParts

    func add(to router: inout Router) {
        router.on(.get, "/admin/fleet", fleet)
        router.on(.get, "/admin/workspaces", list)
    }

    private func fleet(_ request: Request) async throws -> Response {
        try await context.authenticator.admin(request)
        let numbers = try await store.numbers()
        let existing = numbers.statuses.filter { $0.key != .removed }
        return .json(object: { writer in
            writer.member("total", existing.values.reduce(0, +))
            writer.member(
                "by_status",
                object: { writer in
                    for status in WorkspaceStatus.allCases {
                        writer.member(status.rawValue, numbers.statuses[status] ?? 0)
                    }
                })
            writer.member(
                "queue",
                object: { writer in
                    writer.member("waiting", numbers.waiting)
                    writer.member("retrying", numbers.retrying)
                    writer.member("running", numbers.running)
                    writer.member("oldest_waiting_seconds", orNull: numbers.oldestWaitingSeconds)
                })
            writer.member("calls_in_flight", numbers.callsInFlight)
        })
    }

    private func list(_ request: Request) async throws -> Response {
        try await context.authenticator.admin(request)
        let filter = try FleetFilter(request)
        let order = try FleetOrder(request)
        let limit = try request.pageLimit(default: Limits.fleetPage, upTo: Limits.fleetPageMaximum)
        let cursor = try request.pageCursor { FleetCursor($0, order) }
        let page = try await store.page(filter, order, after: cursor, limit: limit)
        let view = WorkspaceJSON.View(
            detail: .fleet, provisionTimeouts: await lifecycle.templates.provisionTimeouts())
        var writer = JSONWriter(reservingCapacity: 100 + page.rows.count * 768)
        try writer.object { writer in
            try writer.member(
                "workspaces",
                array: { writer in
                    try FleetStore.write(page, view, to: &writer)
                })
            writer.member("total", page.total)
            writer.member("next_cursor", orNull: page.next?.text)
        }
        return .json(bytes: writer.bytes)
    }
}

/// The text of a cursor is opaque to clients: the order, the id and the value, which may be any text.
extension FleetCursor {
    package var text: String {
        let direction = order.isDescending ? "desc" : "asc"
        return base64URLEncode(Array("\(order.key.rawValue):\(direction):\(id.lowercased):\(value)".utf8))
    }

    /// Reads what ``text`` wrote; nil for anything else, and for a cursor of another order.
    package init?(_ text: String, _ order: FleetOrder) {
        guard let bytes = base64URLDecode(text), let text = String(validating: bytes, as: UTF8.self) else { return nil }
        let parts = text.split(separator: ":", maxSplits: 3, omittingEmptySubsequences: false)
        guard parts.count == 4, parts[0] == order.key.rawValue, parts[1] == (order.isDescending ? "desc" : "asc"),
            let id = UUID(canonical: String(parts[2])), order.key.isValue(parts[3])
        else { return nil }
        self.init(order: order, value: String(parts[3]), id: id)
    }
}

extension FleetOrder.Key {
    /// Whether the database can read a text as a value of the column.
    fileprivate func isValue(_ text: Substring) -> Bool {
        switch self {
        case .name, .status, .role, .runtime: !text.utf8.contains(0)
        case .activeTasks: Int32(text) != nil
        case .queueDepth, .monthlySpend: Int64(text) != nil
        case .lastHeartbeat, .created:
            // As Postgres writes it in UTC; `-infinity` stands for a workspace that never sent a heartbeat.
            text == "-infinity"
                || text.hasSuffix("+00") && RFC3339.parse(text.dropLast(3).replacing(" ", with: "T") + "Z") != nil
        }
    }
}
