import Foundation
import HTTPCore
import JSONBytes

/// Messages to `/a2a`. They all carry `selfSourceHeaders`: without `X-Workspace-ID` the platform would treat them as
/// messages that a person typed.
extension PlatformClient {
    /// The outcome of a message.
    public enum Outcome: Sendable, Hashable {
        /// The text of the agent's response.
        case completed(String)
        /// The agent is busy; the platform has queued the message under this id.
        case queued(queueID: String)
    }

    /// Sends a message to an agent through the platform.
    ///
    /// - Parameters:
    ///   - messageID: identifies the message; a repeated id while it is queued has no effect.
    ///   - timeout: for the response. An agent may take minutes.
    /// - Throws: ``PlatformError``; `refused` also when the agent responds with an error.
    @discardableResult
    public func send(
        _ text: String, to target: UUID, messageID: String? = nil, timeout: Duration = .seconds(600)
    ) async throws(PlatformError) -> Outcome {
        let message = OutgoingMessage(text: text, id: messageID)
        let path = "/workspaces/\(target.uuidString.lowercased())/a2a"
        let response = try await send(
            Call(method: .post, path: path, body: message.envelope, identity: .selfSource, timeout: timeout))
        let object = try response.object()
        if object["queued"]?.bool == true { return .queued(queueID: object["queue_id"]?.string ?? "") }
        if let error = object["error"], !error.isNull {
            throw PlatformError(
                .refused, status: response.status.code,
                detail: error.find("message")?.string ?? error.string ?? "the agent failed")
        }
        return .completed(A2AText.ofResult(object["result"]))
    }

    /// Sends this agent a message of its own, for instance to wake it.
    @discardableResult
    public func sendToSelf(
        _ text: String, messageID: String? = nil, timeout: Duration = .seconds(120)
    ) async throws(PlatformError) -> Outcome {
        try await send(text, to: workspaceID, messageID: messageID, timeout: timeout)
    }
}

/// A message of one text, as JSON-RPC.
struct OutgoingMessage {
    var text: String
    var id: String?

    var envelope: [UInt8] {
        let id = id ?? UUID().uuidString.lowercased()
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("jsonrpc", "2.0")
            writer.member("id", id)
            writer.member("method", "message/send")
            writer.member(
                "params",
                object: { writer in
                    writer.member(
                        "message",
                        object: { writer in
                            writer.member("kind", "message")
                            writer.member("role", "user")
                            writer.member("messageId", id)
                            writer.member("parts", array: { $0.object { A2APart.text(text).write(&$0) } })
                        })
                })
        }
        return writer.bytes
    }
}
