import AMQP
import Contracts
import EventOutbox
import Foundation
import JSONBytes
import Testing

/// How durable events become messages of the broker.
@Suite struct EventMessageTests {
    private func events(_ count: Int, _ type: EventType, bytes: Int = 2) -> [CloudEvent] {
        (0..<count).map { number in
            CloudEvent(
                source: "switchyard/a2a-proxy", type: type.rawValue, subject: UUID(),
                data: RawJSON(unchecked: Array("\"\(String(repeating: "x", count: bytes - 2))\"".utf8)),
                sequence: Int64(number))
        }
    }

    private func messages(of events: [CloudEvent]) -> [AMQPMessage] {
        CloudEvent.batches(of: events).map { CloudEvent.message(of: $0.map { events[$0] }) }
    }

    @Test func oneAloneTravelsAsItself() throws {
        let event = events(1, .a2aCompleted)[0]
        let messages = messages(of: [event])
        #expect(messages.count == 1 && messages[0].contentType == CloudEvent.contentType)
        #expect(messages[0].messageID == event.id.lowercased)
    }

    @Test func thoseOfOneTypeTravelTogether() throws {
        let sent =
            events(3, .a2aCompleted) + events(2, .a2aFailed) + events(4, .a2aCompleted) + events(1, .delegationSent)
        let messages = messages(of: sent)
        #expect(messages.map(\.routingKey).sorted() == ["a2a.completed", "a2a.failed", "delegation.sent"])
        #expect(messages.allSatisfy { $0.type == $0.routingKey && $0.persistent })
        for message in messages {
            let read = try CloudEvent.decode(message.body)
            let isBatch = message.contentType == CloudEvent.batchContentType
            #expect(isBatch == (read.count > 1))
            #expect(read.map(\.id) == sent.filter { $0.type == message.routingKey }.map(\.id))
        }
    }

    @Test(arguments: [(250, 2, [100, 100, 50]), (5, 60_000, [2, 2, 1]), (2, 200_000, [1, 1])])
    func aMessageIsBounded(count: Int, bytes: Int, expected: [Int]) throws {
        let sent = events(count, .a2aQueued, bytes: bytes)
        let messages = try messages(of: sent).map { try CloudEvent.decode($0.body) }
        #expect(messages.map(\.count) == expected)
        #expect(messages.joined().map(\.id) == sent.map(\.id))
    }
}
