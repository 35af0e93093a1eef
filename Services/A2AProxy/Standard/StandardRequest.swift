import Foundation
import JSONBytes

/// A call of the standard endpoint, as far as it must be understood to be answered in the client's own terms.
package struct StandardRequest: Sendable {
    /// How the protocol names its methods, states and roles.
    package enum Version: Sendable, Hashable {
        /// `message/send`
        case v03
        /// `SendMessage`
        case v1
    }

    package enum Call: Sendable, Hashable {
        case send, stream, get, cancel, subscribe, other
    }

    package let version: Version
    package let call: Call
    /// As it was sent; `null` when there is none.
    package let id: [UInt8]
    /// `params.message.contextId`
    package let contextID: String?
    /// The task that the call is about, if its id may be one of ours.
    package let taskID: UUID?
    /// Nil when the body is no JSON.
    private let body: JSONSlice?

    private static let methods: [String: (Version, Call)] = [
        "message/send": (.v03, .send), "SendMessage": (.v1, .send),
        "message/stream": (.v03, .stream), "SendStreamingMessage": (.v1, .stream),
        "tasks/get": (.v03, .get), "GetTask": (.v1, .get),
        "tasks/cancel": (.v03, .cancel), "CancelTask": (.v1, .cancel),
        "tasks/resubscribe": (.v03, .subscribe), "SubscribeToTask": (.v1, .subscribe),
    ]

    /// - Parameter bytes: the body, however wrong: it is refused by whoever forwards it.
    package init(_ bytes: [UInt8]) {
        body = try? JSONSlice(validating: bytes)
        let method = body?.find("method")?.string ?? ""
        (version, call) = Self.methods[method] ?? (method.first?.isUppercase == true ? .v1 : .v03, .other)
        id = body?.find("id").map { Array($0.bytes) } ?? Array("null".utf8)
        contextID = body?.find("params", "message", "contextId")?.string
        switch call {
        case .get, .cancel, .subscribe: taskID = body?.find("params", "id")?.string.flatMap { UUID(uuidString: $0) }
        case .send, .stream, .other: taskID = nil
        }
    }

    package var isJSON: Bool { body != nil }
    /// Whether the client reads a stream of events.
    package var isStreaming: Bool { call == .stream || call == .subscribe }

    /// The same request about another task.
    package func asking(for task: String) -> [UInt8]? { body?.setting(["params", "id"], toString: task) }
}
