import AMQPClient
import Contracts
import PostgresClient

/// Sends dead messages again, to the queue that they died in and to no other consumer of the event.
struct DeadMessageReplay: Sendable {
    enum Outcome: Sendable {
        case replayed(queue: String, count: Int)
        case unknown
        /// There is no queue that takes it; says why.
        case noQueue(String)
        case brokerAway
    }

    let store: DeadMessageStore
    let publisher: AMQPPublisher

    /// The message may arrive twice: who dies between the broker's confirm and the note of it has not noted it.
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
