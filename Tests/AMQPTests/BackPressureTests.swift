import AMQP
import Observability
import Testing
import TestSupport

/// A broker that is there, and takes nothing.
@Suite("Back-pressure", .serialized)
struct BackPressureTests {
    private let topology = AMQPTopology(queues: [.init("queue")])

    @Test("while the broker blocks, publish waits or fails at its deadline and tryPublish gives up at once")
    func blocked() async throws {
        let rabbit = try await RabbitServer.start()
        try await withPublisher(rabbit.url, topology: topology) {
            $0.deadline = .seconds(3)
        } _: { publisher in
            try await publisher.publish(message(to: "queue"))
            try await rabbit.control("set_vm_memory_high_watermark", "0.00001")
            // The broker says so when the next message comes, which it does not read any more.
            var first: AMQPError?
            try await eventually("the broker to block") {
                first = await failure { () async throws(AMQPError) in
                    try await publisher.publish(message(to: "queue"))
                }
                return first != nil
            }
            #expect(first?.code == .outcomeUnknown)
            guard case .blocked = publisher.state else { throw TimedOut("not blocked: \(publisher.state)") }
            #expect(!publisher.isReady)
            #expect(!publisher.tryPublish(message(to: "queue")))
            let second = await failure { () async throws(AMQPError) in try await publisher.publish(message(to: "queue"))
            }
            #expect(second?.code == .unavailable)

            let messages = (0..<1000).map { message(to: "queue", id: "\($0)") }
            // The broker's tool may take longer than a deadline.
            let waiting = Task { await publisher.outcomes(of: messages) }
            try await rabbit.control("set_vm_memory_high_watermark", "absolute", "2GB")
            let isUnblocked = await waiting.value.allSatisfy { $0 == nil }
            if !isUnblocked { try await publisher.publish(messages) }
            #expect(publisher.isReady)
            #expect(publisher.tryPublish(message(to: "queue")))
        }
        await rabbit.kill()
    }

    @Test("more than the socket takes does not hold up deadlines or the stop while the broker blocks")
    func blockedWithLargeBacklog() async throws {
        let rabbit = try await RabbitServer.start()
        let results = Ledger()
        try await withPublisher(rabbit.url, topology: topology) {
            $0.deadline = .seconds(3)
            $0.stopGrace = .seconds(1)
        } _: { publisher in
            try await rabbit.control("set_vm_memory_high_watermark", "0.00001")
            let body = [UInt8](repeating: 7, count: 1 << 20)
            for _ in 0..<100 {
                Task {
                    let error = await failure { () async throws(AMQPError) in
                        try await publisher.publish(message(to: "queue", body: body))
                    }
                    results.note(error?.code.rawValue ?? "confirmed")
                }
            }
            try await eventually("all results") { results.total == 100 }
        }
        // Those that came before the alarm are confirmed.
        #expect(results.ids.isSubset(of: ["outcome_unknown", "unavailable", "confirmed"]))
        #expect(results.count("confirmed") < 100)
        await rabbit.kill()
    }

    @Test(
        "a message that the broker stops reading half-way holds up no deadline, no other caller and no stop",
        .timeLimit(.minutes(5)))
    func blockedInsideAFrame() async throws {
        let rabbit = try await RabbitServer.start()
        // Far more than what the sockets on both sides take.
        let body = [UInt8](repeating: 7, count: 16 << 20)
        try await withPublisher(rabbit.url, topology: topology) {
            $0.deadline = .seconds(4)
            $0.sendTimeout = .seconds(8)
            $0.stopGrace = .seconds(1)
        } _: { publisher in
            try await rabbit.control("set_vm_memory_high_watermark", "0.00001")
            for _ in 0..<3 {
                async let large = failure { () async throws(AMQPError) in
                    try await publisher.publish(message(to: "queue", body: body))
                }
                async let small = failure { () async throws(AMQPError) in
                    try await publisher.publish(message(to: "queue"))
                }
                for code in [await large?.code, await small?.code] {
                    #expect(code == .outcomeUnknown || code == .unavailable)
                }
            }
            try await rabbit.control("set_vm_memory_high_watermark", "absolute", "4GB")
            try await eventually(within: .seconds(60), "the publisher to be of use again") {
                await failure { () async throws(AMQPError) in
                    try await publisher.publish(message(to: "queue", body: body))
                } == nil
            }
            try await rabbit.control("set_vm_memory_high_watermark", "0.00001")
            let last = await failure { () async throws(AMQPError) in
                try await publisher.publish(message(to: "queue", body: body))
            }
            #expect(last != nil)
        }
        await rabbit.kill()
    }

    @Test("a broker that stands still is disconnected after two heartbeats, and used again when it goes on")
    func paused() async throws {
        let rabbit = try await RabbitServer.start()
        let seen = Ledger()
        try await withPublisher(rabbit.url, topology: topology) {
            $0.heartbeatSeconds = 1
            $0.deadline = .seconds(30)
            $0.connectTimeout = .seconds(5)
        } _: { publisher in
            try await withConsumer(rabbit.url, topology: topology, queue: "queue") {
                $0.heartbeatSeconds = 1
                $0.connectTimeout = .seconds(5)
            } handler: { delivery in
                seen.note(delivery.message.messageID)
                return .done
            } _: { consumer in
                rabbit.pause()
                let error = await failure { () async throws(AMQPError) in
                    try await publisher.publish(message(to: "queue"))
                }
                #expect(error?.code == .outcomeUnknown)
                try await eventually("the consumer to notice") { !publisher.isReady && !consumer.isReady }
                async let waiting: Void = publisher.publish(message(to: "queue", id: "waited"))
                rabbit.resume()
                try await waiting
                try await eventually("the message") { seen.count("waited") >= 1 }
            }
        }
        await rabbit.kill()
    }
}
