import Contracts
import Foundation
import JSONBytes

/// The message that a run sends: `message/send` with the prompt, without a caller.
package struct ScheduledMessage: Sendable {
    /// The queue item that carries it.
    package let item: UUID
    package let messageID: String
    /// The JSON-RPC request.
    package let body: String

    /// - Parameters:
    ///   - schedule: eight characters of its id become part of the message's.
    ///   - prompt: the text of the message.
    package init(schedule: UUID, prompt: String) {
        item = UUID()
        // The last part of the item's random id.
        messageID = "cron-\(schedule.lowercased.prefix(8))-\(item.lowercased.suffix(8))"
        body = Self.body(messageID: messageID, prompt: prompt)
    }

    private static func body(messageID: String, prompt: String) -> String {
        var writer = JSONWriter(reservingCapacity: prompt.utf8.count + 256)
        writer.object { writer in
            writer.member("jsonrpc", "2.0")
            writer.member("id", messageID)
            writer.member("method", "message/send")
            writer.member("params", object: { $0.member("message", object: { write(&$0, messageID, prompt) }) })
        }
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    private static func write(_ writer: inout JSONWriter, _ messageID: String, _ prompt: String) {
        writer.member("role", "user")
        writer.member("messageId", messageID)
        writer.member(
            "parts",
            array: { writer in
                writer.object { writer in
                    // A2A 0.3's spelling, and that of older agents.
                    writer.member("kind", "text")
                    writer.member("type", "text")
                    writer.member("text", prompt)
                }
            })
    }
}
