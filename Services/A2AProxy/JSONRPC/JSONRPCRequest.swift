import Foundation
import JSONBytes

/// A call of the JSON-RPC endpoint, parsed as far as a response in the client's version of the protocol requires.
package struct JSONRPCRequest: Sendable {
    /// The version of the protocol, which determines the names of methods, states and roles.
    package enum Version: Sendable, Hashable {
        /// `message/send`
        case v03
        /// `SendMessage`
        case v1
    }

    package enum Call: Sendable, Hashable {
        case send, stream, get, cancel, subscribe
        /// The extended card, which has the agent's address.
        case card
        case other
    }

    package let version: Version
    package let call: Call
    /// As it was sent; `null` when it is absent, or of a type that JSON-RPC does not allow.
    package let id: [UInt8]
    /// `params.message.contextId`
    package let contextID: String?
    /// The task that the call is about, if its id may be a queue item's.
    package let taskID: UUID?
    /// Why it is not a valid call of the protocol; nil when it is.
    package let refusal: JSONRPCError?
    /// Nil when the body is not JSON.
    private let body: JSONSlice?

    /// - Parameters:
    ///   - bytes: the body, valid or not.
    ///   - namesExtensions: whether the client names extensions of the protocol, which may add methods.
    package init(_ bytes: [UInt8], namesExtensions: Bool = false) {
        var members: JSONRPCMembers?
        do throws(JSONError) {
            let body = try JSONSlice(validating: bytes)
            let found = JSONRPCMembers(body)
            members = found
            refusal = found.refusal(of: body, namesExtensions: namesExtensions)
            self.body = body
        } catch {
            refusal = JSONRPCError(error)
            body = nil
        }
        let method = JSONRPCMethod(members?.method ?? "")
        version = method.version
        call = method.call
        id = members?.id.map { Array($0.bytes) } ?? Array("null".utf8)
        contextID = members?.message?["contextId"]?.string
        switch call {
        case .get, .cancel, .subscribe: taskID = members?.params?["id"]?.string.flatMap { UUID(uuidString: $0) }
        case .send, .stream, .card, .other: taskID = nil
        }
    }

    /// Whether the client expects a stream of events.
    package var isStreaming: Bool { call == .stream || call == .subscribe }

    /// The same request about another task.
    package func retargeted(for task: String) -> [UInt8]? { body?.setting(["params", "id"], toString: task) }
}
