import Contracts
import Foundation
import HTTPCore
import JSONBytes
import PlatformInternals
import UVHTTPServer

/// A JSON-RPC request for an agent, normalised, with the few fields that the platform needs from it. Its bytes are
/// those that came in, except for what normalising inserts.
package struct AgentRequest: Sendable {
    /// What is sent to the agent.
    package let bytes: [UInt8]
    package let method: String
    /// `params.message.messageId`: the idempotency key. Nil for methods without a message.
    package let messageID: String?
    /// `params.message.contextId`: the conversation that it belongs to. Nil for messages read from the queue.
    package let contextID: String?

    /// Why a body is not a valid request.
    package enum Malformed: Error, Sendable, Hashable {
        case invalidJSON
        /// This member of the message is longer than an indexed column allows.
        case tooLong(String, limit: Int)
        /// This member has a NUL or a lone surrogate, which cannot be stored; a replacement would be a different id.
        case notStorable(String)
        /// This member is duplicated: the agent might read the other one of the two.
        case repeated(String)

        package var apiError: APIError {
            switch self {
            case .invalidJSON: APIError(.badRequest, ErrorMessage.invalidJSON)
            case .tooLong(let field, let limit):
                APIError(
                    .badRequest, "invalid \(field)", field: field, reason: "must have \(limit) characters at most",
                    members: [("limit", .int(limit))])
            case .notStorable(let field):
                APIError(
                    .badRequest, "invalid \(field)", field: field, reason: "must have no NUL and no half surrogate pair"
                )
            case .repeated(let field):
                APIError(.badRequest, ErrorMessage.invalidRequestBody, field: field, reason: "must be given once")
            }
        }
    }

    /// Normalises a body: one without `jsonrpc` is wrapped in an envelope with a fresh `id`, and a message without
    /// `messageId` gets one.
    ///
    /// - Throws: `Malformed` for a body that is not JSON or not an object, and for ids and methods that cannot be
    ///   stored, whether or not the agent is busy.
    package init(normalising body: [UInt8], makeID: () -> String = { UUID().uuidString.lowercased() }) throws(Malformed)
    {
        guard var request = Self.object(body) else { throw Malformed(refused: body) }
        let message: JSONSlice?
        let id: JSONSlice?
        let context: JSONSlice?
        do {
            (message, id, context) = try Self.members(of: request)
        } catch {
            throw .repeated(error.field)
        }
        if request["jsonrpc"] == nil {
            // Well-formed by construction: composed of well-formed parts.
            guard let wrapped = Self.object(request.wrappedInEnvelope(id: makeID())) else { throw .invalidJSON }
            request = wrapped
        }
        if message?.kind == .object, Self.isMissing(id) {
            let made = makeID()
            guard let filled = request.slice.setting(["params", "message", "messageId"], toString: made),
                let changed = Self.object(filled)
            else { throw .invalidJSON }
            request = changed
            messageID = made
        } else {
            messageID = Self.text(id)
        }
        contextID = Self.text(context)
        bytes = request.document
        method = request["method"]?.string ?? ""
        try Self.check("messageId", messageID, upTo: Limits.identifier)
        try Self.check("contextId", contextID, upTo: Limits.identifier)
        try Self.check("method", method, upTo: Limits.method)
    }

    private static func check(_ field: String, _ text: String?, upTo limit: Int) throws(Malformed) {
        guard let text else { return }
        guard !text.isLonger(than: limit) else { throw .tooLong(field, limit: limit) }
        guard !text.contains(byte: 0) else { throw .notStorable(field) }
    }

    /// The members that are read from a request; each must be given at most once.
    private static func members(
        of request: JSONObject
    ) throws(JSONFieldError) -> (message: JSONSlice?, id: JSONSlice?, context: JSONSlice?) {
        _ = try (request.unique("jsonrpc"), request.unique("id"), request.unique("method"))
        guard let params = try request.unique("params") else { return (nil, nil, nil) }
        let (metadata, message, _) = try params.unique("metadata", "message")
        _ = try metadata?.unique("delegation_id")
        guard let message else { return (nil, nil, nil) }
        let (own, id, context) = try message.unique("metadata", "messageId", "contextId")
        _ = try own?.unique("delegation_id")
        return (message, id, context)
    }

    /// A message that was normalised before it was stored.
    package init(stored bytes: [UInt8], method: String, messageID: String?) {
        self.bytes = bytes
        self.method = method
        self.messageID = messageID
        contextID = nil
    }

    /// References that are needed only when a message is queued.
    package struct Links: Sendable {
        /// The delegation that the message carries.
        package let delegationID: UUID?
    }

    /// Reads the links.
    package var links: Links {
        let params = Self.object(bytes)?.find("params")
        let delegation =
            params?.find("message", "metadata", "delegation_id") ?? params?.find("metadata", "delegation_id")
        return Links(
            delegationID: delegation?.string.flatMap(UUID.init(uuidString:)))
    }

    /// Whether the message may be delivered later. Resubscribing to a task may not: there would be no client to stream
    /// to. The second name is that of version 1.0 of the protocol.
    package var canWait: Bool { method != "tasks/resubscribe" && method != "SubscribeToTask" }

    /// Whether the method sends a message, as opposed to a query, in either version of the protocol.
    package var carriesMessage: Bool {
        Self.sends.contains(method) && Self.object(bytes)?.find("params", "message") != nil
    }

    private static let sends = ["message/send", "message/stream", "SendMessage", "SendStreamingMessage"]

    private static func object(_ bytes: [UInt8]) -> JSONObject? { try? JSONObject(validating: bytes) }

    private static func text(_ value: JSONSlice?) -> String? {
        guard let text = value?.string, !text.isEmpty else { return nil }
        return text
    }

    /// A `messageId` that is absent, `null` or empty is filled in; one of another type is left to the agent to reject.
    private static func isMissing(_ id: JSONSlice?) -> Bool {
        guard let id else { return true }
        return id.isNull || id.string == ""
    }
}
