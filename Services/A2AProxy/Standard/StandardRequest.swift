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
        case send, stream, get, cancel, subscribe
        /// The extended card, which says where the agent is.
        case card
        case other
    }

    package let version: Version
    package let call: Call
    /// As it was sent; `null` when there is none, or none that JSON-RPC allows.
    package let id: [UInt8]
    /// `params.message.contextId`
    package let contextID: String?
    /// The task that the call is about, if its id may be one of ours.
    package let taskID: UUID?
    /// Why it is no call of the protocol; nil when it is one.
    package let refusal: StandardRefusal?
    /// Nil when the body is no JSON.
    private let body: JSONSlice?

    /// - Parameters:
    ///   - bytes: the body, however wrong.
    ///   - namesExtensions: whether the client names extensions of the protocol, which may bring methods of their own.
    package init(_ bytes: [UInt8], namesExtensions: Bool = false) {
        var members: StandardMembers?
        do throws(JSONError) {
            let body = try JSONSlice(validating: bytes)
            let found = StandardMembers(body)
            members = found
            refusal = found.refusal(of: body, namesExtensions: namesExtensions)
            self.body = body
        } catch {
            refusal = StandardRefusal(error)
            body = nil
        }
        let method = StandardMethod(members?.method ?? "")
        version = method.version
        call = method.call
        id = members?.id.map { Array($0.bytes) } ?? Array("null".utf8)
        contextID = members?.message?["contextId"]?.string
        switch call {
        case .get, .cancel, .subscribe: taskID = members?.params?["id"]?.string.flatMap { UUID(uuidString: $0) }
        case .send, .stream, .card, .other: taskID = nil
        }
    }

    /// Whether the client reads a stream of events.
    package var isStreaming: Bool { call == .stream || call == .subscribe }

    /// The same request about another task.
    package func asking(for task: String) -> [UInt8]? { body?.setting(["params", "id"], toString: task) }
}
