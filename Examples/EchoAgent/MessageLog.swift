import Foundation
import Synchronization
import WorkspaceRuntime

/// The messages received, in order; tests compare them with what the platform reports as delivered.
final class MessageLog: Sendable {
    struct Entry: Encodable {
        let text: String
        let messageId: String
        /// The value of `X-Delivery-Attempt`; absent for a first delivery.
        let deliveryAttempt: Int?
        /// Seconds since 1970.
        let receivedAt: Double
    }

    /// Beyond it the oldest are dropped: an agent may run for weeks.
    private static let limit = 100_000

    private let list = Mutex<[Entry]>([])

    var entries: [Entry] { list.withLock { $0 } }

    func add(_ message: A2AMessage) {
        let entry = Entry(
            text: message.text, messageId: message.id, deliveryAttempt: message.deliveryAttempt,
            receivedAt: Date().timeIntervalSince1970)
        list.withLock { list in
            list.append(entry)
            if list.count > Self.limit { list.removeFirst(list.count - Self.limit) }
        }
    }
}
