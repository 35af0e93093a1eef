import Foundation
import Testing

import Contracts
import PlatformInternals

@Suite struct TopologyTests {
    @Test func theWorkQueueIsAQuorumQueueWithALimitAndDeadLetters() {
        let queue = Topology.drain
        #expect(queue.durability == .durable)
        #expect(queue.arguments["x-queue-type"] == "quorum")
        #expect(queue.arguments["x-delivery-limit"] == .integer(Topology.deliveryLimit))
        #expect(queue.arguments["x-dead-letter-routing-key"] == .string(Topology.deadLetters.name))
        #expect(queue.bindings.allSatisfy { EventType(rawValue: $0)?.isDurable == true })
        #expect(Topology.deadLetters.arguments["x-dead-letter-exchange"] == nil)
    }

    @Test func heartbeatsAreBoundedAndForgotten() {
        #expect(Topology.heartbeats.durability == .transient)
        #expect(Topology.heartbeats.arguments["x-message-ttl"] == 30_000)
        #expect(Topology.heartbeats.arguments["x-overflow"] == "drop-head")
        #expect(Topology.heartbeats.bindings == ["heartbeat.received"])
    }

    @Test func namesAreThoseOfTheContract() {
        #expect(Topology.events.name == "switchyard.events")
        #expect(Topology.notifications(instance: "n1").name == "notify.n1")
        #expect(Topology.notifications(instance: "n1").durability == .exclusive)
        let invalidation = Topology.invalidation(service: "registry", instance: "r1")
        #expect(Set(["token.revoked", "workspace.moved", "workspace.removed"]).isSubset(of: invalidation.bindings))
        #expect(!invalidation.bindings.contains("heartbeat.received"))
    }
}

@Suite struct RedisKeyTests {
    let id = UUID(uuid: (0xAB, 0xCD, 0xEF, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0xFF))
    let text = "abcdef01-0203-0405-0607-08090a0b0cff"

    @Test func aBatchIsOneCommand() {
        let other = UUID()
        let command = RedisKeys.recordLiveness([
            (workspace: id, milliseconds: 1_700_000_000_123), (workspace: other, milliseconds: 5),
        ])
        #expect(command == ["ZADD", "ws:live", "GT", "1700000000123", text, "5", other.lowercased])
        #expect(RedisKeys.readLiveness([id, other]) == ["ZMSCORE", "ws:live", text, other.lowercased])
        #expect(RedisKeys.trimLiveness(before: 7) == ["ZREMRANGEBYSCORE", "ws:live", "-inf", "(7"])
    }
}
