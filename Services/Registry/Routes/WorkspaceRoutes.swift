import Authentication
import Contracts
import EventOutbox
import Foundation
import HTTPCore
import JSONBytes
import Lifecycle
import PlatformInternals
import Postgres
import ServiceHost
import Templates
import UVHTTPServer

/// `/workspaces` and `/workspaces/{id}`: create, list, get.
struct WorkspaceRoutes: Sendable {
    /// Rows of one page while a whole list is streamed.
    private static let streamPage = 500

    let context: ServiceContext
    let store: WorkspaceStore
    let peers: PeerStore
    let addresses: RegistrationAddressCheck
    let lifecycle: LifecycleParts

    func add(to router: inout Router) {
        router.on(.post, "/workspaces", create)
        router.on(.get, "/workspaces", list)
        router.on(.get, "/workspaces/{id}", get)
    }

    private func get(_ request: Request) async throws -> Response {
        let viewer = try await context.authenticator.viewer(request)
        let id = try request.uuid("id", orError: ErrorMessage.invalidWorkspaceID)
        guard let body = try await store.get(id, await view(try await detail(of: id, for: viewer))) else {
            throw APIError(.notFound, ErrorMessage.workspaceNotFound)
        }
        return .json(bytes: body)
    }

    /// The level of detail for a viewer.
    private func detail(of id: UUID, for viewer: Identity?) async throws -> WorkspaceJSON.Detail {
        switch viewer {
        case .some(.anonymous), .some(.admin), .some(.org): return .full
        case .some(.workspace(let caller)):
            if context.configuration.isDevelopment || caller == id { return .reachable }
            guard let from = try await peers.present(caller), let target = try await peers.present(id) else {
                return .public
            }
            return from.position.canCommunicate(with: target.position) ? .reachable : .public
        case nil: return context.configuration.isDevelopment ? .reachable : .public
        }
    }

    private func view(_ detail: WorkspaceJSON.Detail) async -> WorkspaceJSON.View {
        WorkspaceJSON.View(detail: detail, provisionTimeouts: await lifecycle.templates.provisionTimeouts())
    }

    // MARK: - Create

    private func create(_ request: Request) async throws -> Response {
        try await context.authenticator.admin(request)
        let body = try await request.decode(
            CreateWorkspaceRequest.self, orError: ErrorMessage.invalidWorkspacePayload)
        let new = try NewWorkspaceRule.workspace(
            body, template: try await template(of: body), hasProvisioner: lifecycle.store.hasProvisioner,
            isDevelopment: context.configuration.isDevelopment)
        if let url = new.request.url { try await addresses.check(url) }
        let events = try await store.create(new, traceparent: request.context.traceparent)
        guard let events else {
            throw APIError(
                .badRequest, ErrorMessage.invalidWorkspacePayload, field: "parent_id", reason: "is not a workspace")
        }
        context.relay.committed(events)
        if new.isStartedByPlatform { lifecycle.worker.wake() }
        return .json(.created) { writer in
            writer.member("id", new.id.lowercased)
            writer.member("status", new.responseStatus)
            writer.member("awareness_namespace", "workspace:\(new.id.lowercased)")
            writer.member("workspace_access", new.access.rawValue)
            if new.isExternal {
                writer.member("external", true)
                writer.member(
                    "connection",
                    object: { writer in
                        ConnectionBundle.write(
                            new.id, token: new.token?.secret, platformURL: context.platformURL(for: request),
                            to: &writer)
                    })
            }
        }
    }

    /// The template that the request names; empty without one.
    private func template(of request: CreateWorkspaceRequest) async throws -> TemplateConfiguration {
        guard let name = request.template, !name.isEmpty else { return TemplateConfiguration() }
        guard let template = await lifecycle.templates.template(named: name) else {
            throw APIError(
                .badRequest, ErrorMessage.invalidWorkspacePayload, field: "template", reason: "is not a template")
        }
        return template.configuration
    }

    // MARK: - List

    private func list(_ request: Request) async throws -> Response {
        try await context.authenticator.admin(request)
        let filter = try WorkspaceListQuery.filter(request)
        let cursor = try WorkspaceListQuery.cursor(request)
        if let limit = try WorkspaceListQuery.limit(request) {
            return try await page(filter, after: cursor, limit: limit)
        }
        return try await wholeList(filter, after: cursor)
    }

    private func page(_ filter: WorkspaceFilter, after cursor: ListCursor?, limit: Int) async throws -> Response {
        let (rows, next) = try await store.page(filter, after: cursor, limit: limit)
        let view = await view(.full)
        var writer = JSONWriter(reservingCapacity: 2 + rows.count * 640)
        try writer.array { writer in
            try rows.forEach { WorkspaceJSON.write($0, view, to: &writer) }
        }
        var response = Response.json(bytes: writer.bytes)
        if let next { response.headers.add("X-Next-Cursor", next.text) }
        return response
    }

    /// The first page is read before the response begins, so that an unavailable database still gets a proper 503.
    private func wholeList(_ filter: WorkspaceFilter, after cursor: ListCursor?) async throws -> Response {
        let first = try await store.page(filter, after: cursor, limit: Self.streamPage)
        let view = await view(.full)
        return .stream(contentType: "application/json") { [store] writer in
            try await writer.write(try Self.elements(first.rows, view, isFirst: true))
            var next = first.next
            while let cursor = next {
                let page = try await store.page(filter, after: cursor, limit: Self.streamPage)
                if !page.rows.isEmpty { try await writer.write(try Self.elements(page.rows, view, isFirst: false)) }
                next = page.next
            }
            try await writer.write([UInt8(ascii: "]")])
        }
    }

    /// The elements of one page, after the array's bracket or a comma.
    private static func elements(_ rows: PostgresRows, _ view: WorkspaceJSON.View, isFirst: Bool) throws -> [UInt8] {
        var bytes: [UInt8] = isFirst ? [UInt8(ascii: "[")] : []
        bytes.reserveCapacity(1 + rows.count * 640)
        var needsComma = !isFirst
        try rows.forEach { row in
            var json = JSONWriter(reservingCapacity: 640)
            WorkspaceJSON.write(row, view, to: &json)
            if needsComma { bytes.append(UInt8(ascii: ",")) }
            bytes.append(contentsOf: json.bytes)
            needsComma = true
        }
        return bytes
    }
}
