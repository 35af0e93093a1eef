import AMQP
import Contracts
import EventOutbox
import Foundation
import PlatformInternals
import Testing

/// What becomes of a message by what is said of its events.
@Suite("Settlement of events")
struct EventDeliveryTests {
    private static func event(_ number: Int) -> CloudEvent {
        CloudEvent(
            source: "switchyard/test", type: "a2a.queued", subject: nil,
            data: RawJSON(unchecked: Array("\(number)".utf8)))
    }

    private static func delivery(
        _ events: [CloudEvent], of queue: BrokerQueue = Topology.drain, headers: [String: AMQPValue] = [:],
        extra: String = ""
    ) throws -> EventDelivery {
        var body = CloudEvent.encodeBatch(events)
        if !extra.isEmpty { body = Array(body.dropLast()) + Array(",\(extra)]".utf8) }
        let message = AMQPMessage(
            exchange: "switchyard.events", routingKey: "a2a.queued",
            body: events.count == 1 && extra.isEmpty ? events[0].encoded() : body,
            type: "a2a.queued", headers: headers)
        return try EventDelivery(queue: queue, AMQPDelivery(message: message, tag: 1, isRedelivered: false))
    }

    private static func outcomes(_ others: [Int: EventOutcome]) -> EventOutcomes {
        var outcomes = EventOutcomes.done
        for (place, outcome) in others { outcomes[place] = outcome }
        return outcomes
    }

    private func whole(_ settlement: EventDelivery.Settlement) -> AMQPOutcome? {
        if case .whole(let outcome) = settlement { outcome } else { nil }
    }

    private func separated(_ settlement: EventDelivery.Settlement) -> [AMQPMessage] {
        if case .separated(let messages) = settlement { messages } else { [] }
    }

    @Test("A result common to all of a message is reported to the broker", arguments: [1, 3])
    func same(count: Int) throws {
        let delivery = try Self.delivery((0..<count).map(Self.event))
        #expect(whole(delivery.settlement(.done)) == .done)
        #expect(whole(delivery.settlement(EventOutcomes(.retry))) == .retry)
        if count == 1 { #expect(whole(delivery.settlement(EventOutcomes(.reject))) == .reject) }
    }

    @Test("Of a batch those that are not done leave it alone: one back to its queue, one to the dead letters")
    func mixed() throws {
        let events = (0..<4).map(Self.event)
        let messages = separated(try Self.delivery(events).settlement(Self.outcomes([1: .retry, 3: .reject])))
        #expect(messages.map(\.routingKey) == [Topology.drain.name, Topology.deadLetters.name])
        try #require(messages.count == 2)
        #expect(messages.allSatisfy { $0.exchange.isEmpty && $0.mandatory && $0.persistent })
        #expect(messages.map(\.messageID) == [events[1].id.lowercased, events[3].id.lowercased])
        #expect(try CloudEvent.decode(messages[0].body).map(\.id) == [events[1].id])
        #expect(messages[0].headers[EventHeader.attempts] == .int(1))
        #expect(messages[1].headers["x-first-death-reason"] == .string("rejected"))
    }

    @Test("The attempts made in a batch count: what has used them up is dead")
    func exhausted() throws {
        for count in [1, 2] {
            let headers: [String: AMQPValue] = [EventHeader.attempts: .int(15), "x-delivery-count": .int(5)]
            let delivery = try Self.delivery((0..<count).map(Self.event), headers: headers)
            let messages = separated(delivery.settlement(EventOutcomes(.retry)))
            #expect(messages.count == count)
            #expect(messages.allSatisfy { $0.headers["x-first-death-reason"] == .string("delivery_limit") })
            #expect(
                messages.allSatisfy { $0.headers["x-delivery-count"] == nil && $0.headers[EventHeader.attempts] == nil }
            )
        }
        // One less.
        let headers: [String: AMQPValue] = [EventHeader.attempts: .int(15), "x-delivery-count": .int(4)]
        #expect(whole(try Self.delivery([Self.event(0)], headers: headers).settlement(EventOutcomes(.retry))) == .retry)
        // Without a header the broker's own limit is the limit.
        let own: [String: AMQPValue] = ["x-delivery-count": .int(20)]
        #expect(whole(try Self.delivery([Self.event(0)], headers: own).settlement(EventOutcomes(.retry))) == .retry)
    }

    @Test(
        "An unreadable event is dead-lettered alone, and recognised in a redelivered batch; not without dead letters")
    func unreadable() throws {
        let events = [Self.event(0), Self.event(1)]
        let delivery = try Self.delivery(events, extra: #"{"specversion":"1.0"}, 17"#)
        let messages = separated(delivery.settlement(.done))
        #expect(messages.map { String(decoding: $0.body, as: UTF8.self) } == [#"{"specversion":"1.0"}"#, "17"])
        #expect(messages.allSatisfy { $0.routingKey == Topology.deadLetters.name })
        let again = separated(try Self.delivery(events, extra: #"{"specversion":"1.0"}, 17"#).settlement(.done))
        let marks = [messages, again].map { $0.map { $0.headers[EventHeader.death]?.text ?? "" } }
        #expect(marks[0] == marks[1] && Set(marks[0]).count == 2)
        let elsewhere = try Self.delivery(events, of: Topology.notifications(instance: "i"), extra: "17")
        #expect(whole(elsewhere.settlement(.done)) == .done)
    }
}
