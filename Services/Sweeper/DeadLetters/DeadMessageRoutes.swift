import Authentication
import Contracts
import Foundation
import HTTPCore
import JSONBytes
import PlatformInternals
import ServiceHost
import UVHTTPServer

/// `/admin/dead-letters`: lists, replays and discards dead messages.
struct DeadMessageRoutes: Sendable {
    let context: ServiceContext
    let store: DeadMessageStore

    private static let retryAfter = 5

    func add(to router: inout Router) {
        router.on(.get, "/admin/dead-letters", list)
        router.on(.delete, "/admin/dead-letters", discardAll)
        router.on(.post, "/admin/dead-letters/replay", replayAll)
        router.on(.get, "/admin/dead-letters/{message_id}", show)
        router.on(.delete, "/admin/dead-letters/{message_id}", discard)
        router.on(.post, "/admin/dead-letters/{message_id}/replay", replay)
    }

    private var sender: DeadMessageReplay { DeadMessageReplay(store: store, publisher: context.publisher) }

    private func list(_ request: Request) async throws -> Response {
        try await context.authenticator.admin(request)
        let limit = try DeadMessageQuery.limit(request)
        let messages = try await store.list(
            DeadMessageQuery.filter(request), before: try DeadMessageQuery.cursor(request), limit: limit)
        var response = try Response.wire(.ok, messages)
        if messages.count == limit, let last = messages.last {
            response.headers.add("X-Next-Cursor", String(last.id))
        }
        return response
    }

    private func show(_ request: Request) async throws -> Response {
        try await context.authenticator.admin(request)
        let id = try DeadMessageQuery.id(request)
        guard let found = try await store.message(id, bodyBytes: Limits.deadMessageBody) else { throw Self.unknown }
        return try .wire(.ok, DeadMessageResponse(found))
    }

    private func discard(_ request: Request) async throws -> Response {
        try await context.authenticator.admin(request)
        guard let discarded = try await store.discard(try DeadMessageQuery.id(request)) else { throw Self.unknown }
        request.setAuditDetail { discarded.audit(to: &$0) }
        return .json { $0.member("status", "discarded") }
    }

    private func discardAll(_ request: Request) async throws -> Response {
        try await context.authenticator.admin(request)
        let filter = try DeadMessageQuery.requiredFilter(request)
        let limit = try DeadMessageQuery.limit(request)
        request.setAuditDetail { filter.audit(to: &$0) }
        let discarded = try await store.discard(filter, limit: limit)
        request.setAuditDetail { writer in
            filter.audit(to: &writer)
            writer.member("discarded", discarded)
        }
        return .json { writer in
            writer.member("discarded", discarded)
            writer.member("is_complete", discarded < limit)
        }
    }

    private func replay(_ request: Request) async throws -> Response {
        try await context.authenticator.admin(request)
        let id = try DeadMessageQuery.id(request)
        switch try await sender.replay(id) {
        case .replayed(let queue, let count):
            func write(to writer: inout JSONWriter) {
                writer.member("queue", queue)
                writer.member("replay_count", count)
            }
            request.setAuditDetail(write)
            return .json { writer in
                writer.member("status", "replayed")
                write(to: &writer)
            }
        case .unknown: throw Self.unknown
        case .noQueue(let reason): throw APIError(.conflict, ErrorMessage.deadMessageUndeliverable, reason: reason)
        case .brokerAway: throw Self.brokerAway
        }
    }

    /// The oldest first, until the broker is unavailable. Those without a queue are skipped.
    private func replayAll(_ request: Request) async throws -> Response {
        try await context.authenticator.admin(request)
        let filter = try DeadMessageQuery.requiredFilter(request)
        let limit = try DeadMessageQuery.limit(request)
        let waiting = try await store.waiting(filter, limit: limit)
        var (replayed, undeliverable) = (0, 0)
        // Messages replayed before an error are audited, too.
        defer {
            request.setAuditDetail { writer in
                filter.audit(to: &writer)
                writer.member("replayed", replayed)
                writer.member("undeliverable", undeliverable)
            }
        }
        for id in waiting {
            switch try await sender.replay(id) {
            case .replayed: replayed += 1
            case .noQueue: undeliverable += 1
            case .unknown: break
            case .brokerAway:
                if replayed == 0 { throw Self.brokerAway }
                return Self.replayed(replayed, undeliverable, isComplete: false)
            }
        }
        return Self.replayed(replayed, undeliverable, isComplete: waiting.count < limit)
    }

    private static func replayed(_ count: Int, _ undeliverable: Int, isComplete: Bool) -> Response {
        .json { writer in
            writer.member("replayed", count)
            writer.member("undeliverable", undeliverable)
            writer.member("is_complete", isComplete)
        }
    }

    private static let unknown = APIError(.notFound, ErrorMessage.deadMessageNotFound)
    private static let brokerAway = APIError(
        .serviceUnavailable, ErrorMessage.brokerUnavailable, retryAfter: retryAfter)
}

extension DeadMessageFilter {
    /// For the audit log.
    fileprivate func audit(to writer: inout JSONWriter) {
        writer.member("queue", ifPresent: queue?.bounded(to: Limits.auditText))
        writer.member("type", ifPresent: type?.bounded(to: Limits.auditText))
    }
}

/// The query parameters that select dead messages.
enum DeadMessageQuery {
    private static let limits = 1...1000

    static func id(_ request: Request) throws(APIError) -> Int64 {
        guard let id = request.parameters["message_id"].flatMap({ Int64($0) }), id > 0 else {
            throw APIError(.badRequest, ErrorMessage.invalidDeadMessageID)
        }
        return id
    }

    static func filter(_ request: Request) -> DeadMessageFilter {
        DeadMessageFilter(queue: present(request, "queue"), type: present(request, "type"))
    }

    /// The filter of a bulk change, which is required: a request without one must not change all messages.
    static func requiredFilter(_ request: Request) throws(APIError) -> DeadMessageFilter {
        let filter = filter(request)
        guard filter.queue != nil || filter.type != nil else {
            throw .invalidBody(field: "queue", reason: "or type is required")
        }
        return filter
    }

    static func limit(_ request: Request) throws(APIError) -> Int {
        guard let text = present(request, "limit") else { return Limits.deadMessagePage }
        guard let limit = Int(text), limits.contains(limit) else {
            throw .invalidBody(field: "limit", reason: "must be a number from 1 to 1000")
        }
        return limit
    }

    /// The id before which the page begins.
    static func cursor(_ request: Request) throws(APIError) -> Int64 {
        guard let text = present(request, "cursor") else { return .max }
        guard let id = Int64(text), id > 0 else {
            throw .invalidBody(field: "cursor", reason: "is not one that X-Next-Cursor gave")
        }
        return id
    }

    private static func present(_ request: Request, _ name: String) -> String? {
        // No queue or type has a NUL, and Postgres rejects it.
        request.query(name).flatMap { $0.isEmpty || $0.utf8.contains(0) ? nil : $0 }
    }
}

extension DeadMessageResponse {
    /// JSON as text, anything else in base64; bodies beyond the limit are truncated.
    fileprivate init(_ found: DeadMessageDetail) {
        let isWhole = found.body.count == found.message.bodySize
        // The platform's own messages put up to three levels around content that may be as deep as is allowed.
        let isJSON =
            isWhole && (try? JSONSlice(validating: found.body, wrappedIn: 3)) != nil
            && String(validating: found.body, as: UTF8.self) != nil
        self.init(
            message: found.message, contentType: found.contentType, headers: found.headers,
            body: isJSON ? String(decoding: found.body, as: UTF8.self) : nil,
            bodyBase64: isJSON ? nil : Data(found.body).base64EncodedString(), isTruncated: !isWhole)
    }
}
