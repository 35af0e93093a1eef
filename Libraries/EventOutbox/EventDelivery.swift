import AMQP
import Contracts
import Crypto
import Foundation
import PlatformInternals

/// One message of a queue with its events, and the rule that settles it: an event that cannot be handled does not
/// affect the others of its message.
package struct EventDelivery: Sendable {
    /// How the message is settled.
    package enum Settlement: Sendable {
        /// The message is settled as a whole.
        case whole(AMQPOutcome)
        /// These are published first; once the broker has confirmed them, the message is acknowledged.
        case separated([AMQPMessage])
    }

    let queue: BrokerQueue
    let message: AMQPMessage
    /// Earlier deliveries of the message.
    let deliveries: Int
    package let events: [CloudEvent]
    package let refused: [RefusedEvent]

    /// - Throws: `WireError` when the message has no event at all.
    package init(queue: BrokerQueue, _ delivery: AMQPDelivery) throws(WireError) {
        let batch = try CloudEvent.decodeEach(delivery.message.body)
        self.queue = queue
        message = delivery.message
        deliveries = delivery.deliveryCount ?? 0
        events = batch.events
        refused = batch.refused
    }

    /// Deliveries of its events in the messages that they were separated from.
    private var earlierAttempts: Int { Int(message.headers[EventHeader.attempts]?.integer ?? 0) }

    private var attempts: Int { earlierAttempts + deliveries + 1 }

    private var isExhausted: Bool { queue.deliveryLimit.map { attempts > $0 } ?? false }

    package func settlement(_ outcomes: EventOutcomes) -> Settlement {
        let all = events.indices.map { outcomes[$0] }
        if refused.isEmpty {
            if all.allSatisfy({ $0 == .done }) { return .whole(.done) }
            // No event was handled, so none is handled twice; the broker counts the deliveries and delays the next.
            if all.allSatisfy({ $0 == .retry }), !(isExhausted && earlierAttempts > 0) { return .whole(.retry) }
            if events.count == 1, all[0] == .reject { return .whole(.reject) }
        }
        let separate = zip(events, all).compactMap { event, outcome -> AMQPMessage? in
            switch outcome {
            case .done: nil
            case .retry: isExhausted ? deadLetter(event, .deliveryLimit) : retryMessage(event)
            case .reject: deadLetter(event, .rejected)
            }
        }
        let messages = separate + refused.compactMap(deadLetter)
        return messages.isEmpty ? .whole(.done) : .separated(messages)
    }

    /// The event alone, published to the queue that it came from and to no other.
    private func retryMessage(_ event: CloudEvent) -> AMQPMessage {
        var headers: [String: AMQPValue] = [EventHeader.attempts: .int(Int64(attempts))]
        headers[EventHeader.replay] = message.headers[EventHeader.replay]
        return separatedMessage(event.encoded(), id: event.id.lowercased, type: event.type, to: queue.name, headers)
    }

    private func deadLetter(_ event: CloudEvent, _ reason: DeadLetterReason) -> AMQPMessage? {
        let key = [queue.name, event.id.lowercased, message.headers[EventHeader.replay]?.text ?? ""]
        return deadLetter(event.encoded(), id: event.id.lowercased, type: event.type, reason, key: key)
    }

    private func deadLetter(_ refused: RefusedEvent) -> AMQPMessage? {
        let key = [queue.name, hex(sha256(message.body)), String(refused.index)]
        return deadLetter(refused.bytes, id: nil, type: message.type, .rejected, key: key)
    }

    /// A dead letter with the headers that the broker would have set.
    private func deadLetter(
        _ body: [UInt8], id: String?, type: String?, _ reason: DeadLetterReason, key: [String]
    ) -> AMQPMessage? {
        guard let deadLetters = queue.deadLetterQueue else { return nil }
        var headers: [String: AMQPValue] = [
            "x-death": .array([
                .table([
                    "queue": .string(queue.name), "reason": .string(reason.rawValue), "count": 1,
                    "exchange": .string(message.exchange), "routing-keys": .array([.string(message.routingKey)]),
                    "time": .timestamp(UInt64(max(0, Date().timeIntervalSince1970))),
                ])
            ]),
            "x-first-death-queue": .string(queue.name), "x-first-death-reason": .string(reason.rawValue),
            "x-first-death-exchange": .string(message.exchange),
            EventHeader.death: .string(hex(sha256(key.joined(separator: "\n")))),
        ]
        headers[EventHeader.replay] = message.headers[EventHeader.replay]
        return separatedMessage(body, id: id, type: type, to: deadLetters, headers)
    }

    private func separatedMessage(
        _ body: [UInt8], id: String?, type: String?, to queue: String, _ headers: [String: AMQPValue]
    ) -> AMQPMessage {
        let contentHeaders = message.headers.filter { !EventHeader.isHistory($0.key) }
        var separated = AMQPMessage(
            exchange: "", routingKey: queue, body: body, messageID: id, type: type,
            contentType: CloudEvent.contentType, persistent: true, headers: contentHeaders.merging(headers) { $1 })
        separated.mandatory = true
        return separated
    }
}
