import AMQP
import Contracts
import Postgres

/// Replays dead messages, to the queue that they died in and to no other consumer of the event.
struct DeadMessageReplay: Sendable {
    enum Outcome: Sendable {
        case replayed(queue: String, count: Int)
        case unknown
        /// No queue accepts it; with the reason.
        case noQueue(String)
        case brokerAway
    }

    let store: DeadMessageStore
    let publisher: AMQPPublisher

    /// At least once: a crash between the broker's confirm and its record leaves the message unreplayed in the store.
    func replay(_ id: Int64) async throws -> Outcome {
        guard let dead = try await store.message(id, bodyBytes: publisher.configuration.maxBody + 1) else {
            return .unknown
        }
        guard let queue = dead.message.queue else { return .noQueue("it is not known where it died") }
        var message = AMQPMessage(
            exchange: "", routingKey: queue, body: dead.body, messageID: dead.message.messageID,
            type: dead.message.type, contentType: dead.contentType,
            headers: DeadLetter.replayHeaders(dead.headers.bytes, replay: "\(id).\(dead.message.replayCount + 1)"))
        message.mandatory = true
        guard publisher.isReady else { return .brokerAway }
        do {
            try await publisher.publish(message)
        } catch {
            switch error.code {
            case .unroutable: return .noQueue("the queue \(queue) is gone")
            case .refused: return .noQueue("the queue \(queue) is full")
            case .invalid: return .noQueue("the broker takes no such message")
            default: return .brokerAway
            }
        }
        guard let count = try await store.noteReplay(id) else { return .unknown }
        return .replayed(queue: queue, count: count)
    }
}
