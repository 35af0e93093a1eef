import Foundation
import HTTPCore
import JSONBytes

/// A report of what an agent did, for people.
public struct ActivityReport: Sendable {
    /// The kinds that the platform knows.
    public enum Kind: String, Sendable {
        /// A message to another agent.
        case messageSent = "a2a_send"
        /// A response, or a message from another agent.
        case messageReceived = "a2a_receive"
        /// Its current task changed.
        case taskUpdate = "task_update"
        /// A log message.
        case log = "agent_log"
        /// It learned a skill permanently.
        case skillPromotion = "skill_promotion"
        /// It wrote to its memory.
        case memoryWrite = "memory_write"
        /// An error occurred.
        case error
    }

    /// The kind of activity.
    public var kind: Kind
    /// One line; truncated to 256 characters.
    public var summary: String
    /// The other workspace, when there is one.
    public var targetID: UUID?
    /// `ok` or `error`.
    public var status = "ok"
    /// The task, as requested.
    public var task: String?
    /// Its result.
    public var result: String?
    /// The error; truncated to 4096 characters.
    public var errorDetail: String?

    /// - Parameters:
    ///   - kind: the kind of activity.
    ///   - summary: one line about it.
    public init(_ kind: Kind, summary: String) {
        self.kind = kind
        self.summary = summary
    }

    func json(id: String) -> [UInt8] {
        let method: String? = kind == .messageSent || kind == .messageReceived ? "message/send" : nil
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("activity_type", kind.rawValue)
            writer.member("source_id", id)
            writer.member("target_id", ifPresent: targetID?.uuidString.lowercased())
            writer.member("method", ifPresent: method)
            writer.member("summary", String(summary.unicodeScalars.prefix(256)))
            writer.member("status", status)
            if let task { writer.member("request_body", object: { $0.member("task", task) }) }
            if let result { writer.member("response_body", object: { $0.member("result", result) }) }
            writer.member("error_detail", ifPresent: errorDetail.map { String($0.unicodeScalars.prefix(4096)) })
        }
        return writer.bytes
    }
}

/// Notifications to the user of this workspace.
extension PlatformClient {
    /// Sends the user a message, with files if there are any. The files are uploaded first, and the message is not sent
    /// unless all uploads succeed.
    ///
    /// - Parameters:
    ///   - message: not empty.
    ///   - files: paths; at most 25 MiB each and 50 MiB together.
    /// - Throws: ``PlatformError``; `invalidRequest` when a file is missing, unreadable or too large.
    public func notifyUser(_ message: String, files: [String] = []) async throws(PlatformError) {
        var attachments: [UInt8]?
        if !files.isEmpty { attachments = try await upload(files) }
        try await notify(message, type: nil, attachments: attachments)
    }

    /// Reports what the agent did.
    public func report(_ activity: ActivityReport) async throws(PlatformError) {
        try await send(
            Call(method: .post, path: "/workspaces/\(id)/activity", body: activity.json(id: id)))
    }

    /// - Parameters:
    ///   - type: the kind of notification.
    ///   - attachments: a JSON list.
    func notify(_ message: String, type: String?, attachments: [UInt8]? = nil) async throws(PlatformError) {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("message", message)
            writer.member("type", ifPresent: type)
            if let attachments { writer.member("attachments", raw: attachments) }
        }
        try await send(Call(method: .post, path: "/workspaces/\(id)/notify", body: writer.bytes))
    }

    /// - Returns: the platform's list of the stored files, to be attached to a message.
    private func upload(_ paths: [String]) async throws(PlatformError) -> [UInt8] {
        let form = try MultipartForm(files: paths)
        let response = try await send(
            Call(
                method: .post, path: "/workspaces/\(id)/chat/uploads", body: form.body,
                contentType: form.contentType, timeout: .seconds(60)))
        guard let stored = try response.object()["files"], let list = stored.elements, list.count == paths.count else {
            throw PlatformError(
                .unexpectedResponse, status: response.status.code, detail: "not every file was stored")
        }
        return Array(stored.bytes)
    }
}
