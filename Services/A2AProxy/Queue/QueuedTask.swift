import Contracts
import Foundation
import JSONBytes

/// A message that is or was queued, as a task of the A2A protocol: its id is the queue item's.
package struct QueuedTask: Sendable {
    package enum State: Sendable, CaseIterable {
        case submitted, working, completed, failed, canceled

        /// Its spelling in a version of the protocol.
        package func name(in version: JSONRPCRequest.Version) -> String {
            version == .v1 ? "TASK_STATE_\("\(self)".uppercased())" : "\(self)"
        }
    }

    package let id: UUID
    /// The message's context; a message without one gets a context of its own.
    package var contextID: String?
    package var state: State
    /// A human-readable status text.
    package var note: String?
    /// The agent's own message, as JSON, instead of the note.
    package var message: [UInt8]?
    package var at: Date

    package init(
        id: UUID, contextID: String? = nil, state: State, note: String? = nil, message: [UInt8]? = nil,
        at: Date = Date()
    ) {
        self.id = id
        self.contextID = contextID
        self.state = state
        self.note = note
        self.message = message
        self.at = at
    }

    /// The task as JSON.
    package func json(in version: JSONRPCRequest.Version) -> [UInt8] {
        var writer = JSONWriter()
        writer.object { writer in
            if version == .v03 { writer.member("kind", "task") }
            writer.member("id", id.lowercased)
            writer.member("contextId", contextID ?? id.lowercased)
            writer.member("status", object: { writeStatus(version, to: &$0) })
            writer.member("metadata", object: { $0.member("queue_id", id.lowercased) })
        }
        return writer.bytes
    }

    private func writeStatus(_ version: JSONRPCRequest.Version, to writer: inout JSONWriter) {
        writer.member("state", state.name(in: version))
        writer.member("timestamp", RFC3339.format(at))
        if let message {
            writer.member("message", raw: message)
        } else if let note {
            writer.member("message", object: { write(note, version, to: &$0) })
        }
    }

    private func write(_ note: String, _ version: JSONRPCRequest.Version, to writer: inout JSONWriter) {
        if version == .v03 { writer.member("kind", "message") }
        writer.member("messageId", "\(id.lowercased)-\(state)")
        writer.member("role", version == .v1 ? "ROLE_AGENT" : "agent")
        writer.member("taskId", id.lowercased)
        writer.member("contextId", contextID ?? id.lowercased)
        writer.member(
            "parts",
            array: { writer in
                writer.object { writer in
                    if version == .v03 { writer.member("kind", "text") }
                    writer.member("text", note)
                }
            })
    }
}
