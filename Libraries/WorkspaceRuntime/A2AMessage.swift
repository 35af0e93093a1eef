import Foundation
import JSONBytes

/// A message that an agent is to answer.
public struct A2AMessage: Sendable {
    /// Names the message: the same id again is the same message again. Made up when the sender gave none.
    public let id: String
    /// The conversation it belongs to.
    public let contextID: String?
    /// The task it goes on with.
    public let taskID: String?
    /// What it says.
    public let parts: [A2APart]
    /// Whatever the sender added: the JSON of an object.
    public let metadata: [UInt8]?
    /// Set when the platform delivers a message again because an earlier delivery may or may not have arrived.
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

/// What an agent answers.
public struct AgentReply: Sendable, ExpressibleByStringInterpolation {
    /// What it says.
    public var parts: [A2APart]
    /// Anything to add, for instance `tool_trace`: the JSON of an object.
    public var metadata: [UInt8]?

    /// - Parameters:
    ///   - parts: what the answer says.
    ///   - metadata: the JSON of an object.
    public init(parts: [A2APart], metadata: [UInt8]? = nil) {
        self.parts = parts
        self.metadata = metadata
    }

    /// An answer of one text.
    public init(_ text: String) { self.init(parts: [.text(text)]) }

    /// An answer of one text.
    public init(stringLiteral value: String) { self.init(value) }
}

/// An answer that is an error; every other error that a handler throws becomes an internal one, without its words.
public struct AgentError: Error, Sendable, Hashable {
    /// A JSON-RPC code.
    public var code: Int
    /// For the one who asked.
    public var message: String

    /// - Parameters:
    ///   - message: for the one who asked.
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
