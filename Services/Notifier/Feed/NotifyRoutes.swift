import ActivityFeed
import Authentication
import Contracts
import EventOutbox
import Foundation
import HTTPCore
import JSONBytes
import PlatformInternals
import ServiceHost
import UVHTTPServer

/// `/workspaces/{id}/notify`: messages of an agent to its user.
struct NotifyRoutes: Sendable {
    let context: ServiceContext
    let store: FeedStore
    let log: ActivityLogStore

    func add(to router: inout Router) {
        router.on(.post, "/workspaces/{id}/notify", options: RouteOptions(isAudited: false), notify)
    }

    private func notify(_ request: Request) async throws -> Response {
        let id = try await context.authenticator.workspace(inPathOf: request)
        guard let name = try await store.name(of: id) else {
            throw APIError(.notFound, ErrorMessage.workspaceNotFound)
        }
        let body = try await request.decode(NotifyRequest.self)
        guard !body.message.isEmpty else {
            throw APIError(.badRequest, ErrorMessage.messageRequired, field: "message", reason: "is required")
        }
        if let index = body.attachments.firstIndex(where: { $0.uri.isEmpty || $0.name.isEmpty }) {
            throw APIError(.badRequest, ErrorMessage.attachmentIncomplete(index))
        }
        try Self.check(body)
        // The push does not wait for the row; the response does.
        let event = AgentMessage(
            message: body.message, workspaceID: id, name: name,
            attachments: body.attachments.isEmpty ? nil : body.attachments)
        context.broadcast.send(
            .agentMessage, workspace: id, data: try RawJSON(encoding: event), traceparent: request.context.traceparent)
        var activity = NewActivity(type: .a2aReceive, method: "notify")
        activity.summary = Self.summary(body.message)
        activity.responseBody = try Self.responseBody(body)
        guard let logged = try await log.add(activity, to: id) else {
            throw APIError(.notFound, ErrorMessage.workspaceNotFound)
        }
        context.broadcast.send(.activityLogged, [(id, try RawJSON(encoding: logged))])
        return .json { $0.member("status", "sent") }
    }

    private static func check(_ body: NotifyRequest) throws(APIError) {
        try APIError.check("message", body.message, upTo: Limits.notification)
        for (index, file) in body.attachments.enumerated() {
            try APIError.check("attachments[\(index)].uri", file.uri, upTo: Limits.url)
            try APIError.check("attachments[\(index)].name", file.name, upTo: Limits.attachmentName)
            try APIError.check("attachments[\(index)].mimeType", file.mimeType, upTo: Limits.attachmentName)
        }
    }

    static func summary(_ message: String) -> String {
        let text = message.shortened(to: Limits.summaryText, mark: "…")
        // Postgres's text has no NUL.
        return "Agent message: \(text.replacing("\0", with: "\u{FFFD}"))"
    }

    /// The content for a page that is loaded later: the text, and the files as parts.
    private static func responseBody(_ body: NotifyRequest) throws -> [UInt8] {
        var writer = JSONWriter()
        try writer.object { writer in
            writer.member("result", body.message)
            guard !body.attachments.isEmpty else { return }
            try writer.member(
                "parts",
                array: { writer in
                    for attachment in body.attachments {
                        let file = try WireJSON.encode(attachment)
                        writer.object { writer in
                            writer.member("kind", "file")
                            writer.member("file", raw: file)
                        }
                    }
                })
        }
        return writer.bytes
    }
}
