import Foundation
import JSONBytes

/// A message for an agent to reply to.
public struct A2AMessage: Sendable {
    /// Identifies the message: a repeated id is the same message again. Generated when the sender gave none.
    public let id: String
    /// The conversation it belongs to.
    public let contextID: String?
    /// The task that it continues.
    public let taskID: String?
    /// The content.
    public let parts: [A2APart]
    /// Metadata from the sender: the JSON of an object.
    public let metadata: [UInt8]?
    /// Set when the platform redelivers a message because an earlier delivery may or may not have arrived.
    public let deliveryAttempt: Int?
    /// The W3C trace that the message belongs to.
    public let traceparent: String?

    /// All its text parts.
    public var text: String { A2AText.of(parts) }

    init(_ message: JSONObject, deliveryAttempt: Int? = nil, traceparent: String? = nil) {
        id = message["messageId"]?.string ?? UUID().uuidString.lowercased()
        contextID = message["contextId"]?.string
        taskID = message["taskId"]?.string
        parts = (message["parts"]?.elements ?? []).map(A2APart.init)
        metadata = message["metadata"].flatMap { $0.kind == .object ? Array($0.bytes) : nil }
        self.deliveryAttempt = deliveryAttempt
        self.traceparent = traceparent
    }
}

/// The reply of an agent.
public struct AgentReply: Sendable, ExpressibleByStringInterpolation {
    /// The content.
    public var parts: [A2APart]
    /// Additional data, for instance `tool_trace`: the JSON of an object.
    public var metadata: [UInt8]?

    /// - Parameters:
    ///   - parts: the content.
    ///   - metadata: the JSON of an object.
    public init(parts: [A2APart], metadata: [UInt8]? = nil) {
        self.parts = parts
        self.metadata = metadata
    }

    /// A reply of one text.
    public init(_ text: String) { self.init(parts: [.text(text)]) }

    /// A reply of one text.
    public init(stringLiteral value: String) { self.init(value) }
}

/// An error as the reply; every other error that a handler throws becomes an internal one, without its text.
public struct AgentError: Error, Sendable, Hashable {
    /// A JSON-RPC code.
    public var code: Int
    /// The message for the sender.
    public var message: String

    /// - Parameters:
    ///   - message: for the sender.
    ///   - code: -32603 is an internal error.
    public init(_ message: String, code: Int = -32603) {
        self.message = message
        self.code = code
    }

    static let parse = AgentError("Parse error", code: -32700)
    static let invalidRequest = AgentError("Invalid Request", code: -32600)
    static let unknownMethod = AgentError("Method not found", code: -32601)
    static let invalidParameters = AgentError("params.message with parts is required", code: -32602)
    static let unknownTask = AgentError("Task not found", code: -32001)
    static let internalError = AgentError("Internal error", code: -32603)

    init(describing error: any Error) {
        self = error as? AgentError ?? .internalError
    }
}
