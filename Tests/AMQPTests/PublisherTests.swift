import AMQP
import Observability
import Testing
import TestSupport

@Suite("Publisher")
struct PublisherTests {
    @Test("thousands of messages by many callers are confirmed and arrive once")
    func thousands() async throws {
        let url = try await SharedServers.rabbit().url
        let queue = unique("thousands")
        let topology = AMQPTopology(queues: [.init(queue)])
        let ledger = Ledger()
        try await withPublisher(url, topology: topology) { publisher in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for caller in 0..<50 {
                    group.addTask {
                        for number in 0..<40 {
                            try await publisher.publish(message(to: queue, id: "\(caller)-\(number)"))
                        }
                    }
                }
                group.addTask { try await publisher.publish((0..<3000).map { message(to: queue, id: "batch-\($0)") }) }
                try await group.waitForAll()
            }
        }
        try await withConsumer(url, topology: topology, queue: queue) { delivery in
            ledger.note(delivery.message.messageID)
            return .done
        } _: { _ in
            try await eventually("all messages") { ledger.total == 5000 }
        }
        #expect(ledger.ids.count == 5000)
    }

    @Test("a message keeps its properties, and a body of several frames its bytes")
    func properties() async throws {
        let url = try await SharedServers.rabbit().url
        let exchange = unique("exchange")
        let queue = unique("properties")
        let topology = AMQPTopology(
            exchanges: [.init(exchange)], queues: [.init(queue)],
            bindings: [.init(queue: queue, exchange: exchange, routingKey: "workspace.#")])
        let body = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let sent = AMQPMessage(
            exchange: exchange, routingKey: "workspace.online", body: body, messageID: "m-1", type: "workspace.online",
            contentType: "application/cloudevents+json", correlationID: "c-1", timestamp: 1_700_000_000,
            headers: ["text": "höher", "number": 42, "flag": true, "list": .array([1, "two", .table(["k": .null])])])
        let received = Box<AMQPDelivery>()
        try await withPublisher(url, topology: topology) { publisher in
            try await publisher.publish(sent)
            try await publisher.publish(message(to: queue, id: "empty", body: []))
        }
        let empty = Box<AMQPDelivery>()
        try await withConsumer(url, topology: topology, queue: queue) { delivery in
            if delivery.message.messageID == "empty" { empty.value = delivery } else { received.value = delivery }
            return .done
        } _: { _ in
            try await eventually("the messages") { received.value != nil && empty.value != nil }
        }
        let got = try #require(received.value?.message)
        #expect(got.body == body)
        #expect(got.exchange == exchange && got.routingKey == "workspace.online" && got.persistent)
        #expect(got.messageID == "m-1" && got.type == "workspace.online" && got.correlationID == "c-1")
        #expect(got.contentType == "application/cloudevents+json" && got.timestamp == 1_700_000_000)
        #expect(got.headers == sent.headers)
        #expect(empty.value?.message.body == [])
    }

    @Test("a full queue that refuses makes publish fail")
    func refused() async throws {
        let url = try await SharedServers.rabbit().url
        let queue = unique("full")
        let topology = AMQPTopology(queues: [
            .init(queue, arguments: ["x-max-length": 1, "x-overflow": "reject-publish"])
        ])
        let metrics = MetricsRegistry()
        try await withPublisher(url, topology: topology, metrics: metrics) { publisher in
            try await publisher.publish(message(to: queue))
            let error = await failure { () async throws(AMQPError) in try await publisher.publish(message(to: queue)) }
            #expect(error?.code == .refused)
            let batch = await failure { () async throws(AMQPError) in
                try await publisher.publish([message(to: queue), message(to: queue)])
            }
            #expect(batch?.code == .refused)
        }
        let text = String(decoding: metrics.exposition(), as: UTF8.self)
        #expect(text.contains("amqp_confirmed_total 1") && text.contains("amqp_refused_total 3"))
    }

    @Test("publishing to an exchange that does not exist fails with that reason, and leaves later messages unaffected")
    func missingExchange() async throws {
        let url = try await SharedServers.rabbit().url
        let queue = unique("after-exception")
        try await withPublisher(url, topology: AMQPTopology(queues: [.init(queue)])) { publisher in
            let error = await failure { () async throws(AMQPError) in
                try await publisher.publish(AMQPMessage(exchange: unique("nowhere"), routingKey: "", body: []))
            }
            #expect(error?.code == .outcomeUnknown)
            #expect(error?.detail.contains("NOT_FOUND") == true)
            try await publisher.publish(message(to: queue))
        }
    }

    @Test("without a broker: publish fails at its deadline, tryPublish at once, and what is too much at once")
    func noBroker() async throws {
        try await withPublisher("amqp://127.0.0.1:1/", waitsUntilReady: false) {
            $0.deadline = .milliseconds(200)
            $0.maxBuffered = 10
        } _: { publisher in
            let error = await failure { () async throws(AMQPError) in try await publisher.publish(message(to: "q")) }
            #expect(error?.code == .unavailable)
            #expect(error?.isRetryable == true)
            #expect(!publisher.tryPublish(message(to: "q")))
            #expect(!publisher.isReady)
            let batch = await failure { () async throws(AMQPError) in
                try await publisher.publish((0..<11).map { _ in message(to: "q") })
            }
            #expect(batch?.code == .overloaded)
        }
    }

    @Test("the second broker of a list is used when the first cannot be reached")
    func failover() async throws {
        let url = try await SharedServers.rabbit().url
        let queue = unique("failover")
        for urls in ["amqp://127.0.0.1:1/,\(url)", "\(url),amqp://127.0.0.1:1/"] {
            try await withPublisher(urls, topology: AMQPTopology(queues: [.init(queue)])) { publisher in
                try await publisher.publish(message(to: queue))
            }
        }
    }

    @Test("what waited for the first connection is sent then")
    func earlyPublish() async throws {
        let url = try await SharedServers.rabbit().url
        let queue = unique("early")
        try await withPublisher(url, topology: AMQPTopology(queues: [.init(queue)]), waitsUntilReady: false) {
            try await $0.publish(message(to: queue))
        }
    }

    @Test("a topology that the broker refuses is reported, and retried until it is repaired")
    func preconditionFailed() async throws {
        let rabbit = try await SharedServers.rabbit()
        let queue = unique("precondition")
        try await withPublisher(rabbit.url, topology: AMQPTopology(queues: [.init(queue)])) { owner in
            try await owner.publish(message(to: queue))
            let other = AMQPTopology(queues: [.init(queue, arguments: ["x-max-length": 5])])
            try await withPublisher(rabbit.url, topology: other, waitsUntilReady: false) { publisher in
                try await eventually("the reason") {
                    publisher.state.description.contains("PRECONDITION_FAILED")
                        && publisher.state.description.contains(queue)
                }
                try await rabbit.control("delete_queue", queue)
                try await eventually("the connection") { publisher.isReady }
                try await publisher.publish(message(to: queue))
            }
        }
    }

    @Test("a message that the protocol cannot carry is refused at once")
    func invalid() async throws {
        let url = try await SharedServers.rabbit().url
        try await withPublisher(url) {
            $0.maxBody = 100
        } _: { publisher in
            for wrong in [
                message(to: String(repeating: "k", count: 256)),
                message(to: "q", body: Array(repeating: 0, count: 101)),
            ] {
                let error = await failure { () async throws(AMQPError) in try await publisher.publish(wrong) }
                #expect(error?.code == .invalid && error?.isRetryable == false)
                #expect(!publisher.tryPublish(wrong))
            }
        }
    }

    @Test("a stopped publisher has waited for its confirms, and refuses what comes later")
    func stop() async throws {
        let url = try await SharedServers.rabbit().url
        let queue = unique("stop")
        let topology = AMQPTopology(queues: [.init(queue)])
        let results = Ledger()
        let late = try await withPublisher(url, topology: topology) { publisher in
            for number in 0..<500 {
                Task {
                    do {
                        try await publisher.publish(message(to: queue, id: "\(number)"))
                        results.note("confirmed")
                    } catch {
                        results.note((error as? AMQPError)?.code.rawValue)
                    }
                }
            }
            try await eventually("a first confirm") { results.count("confirmed") > 0 }
            return publisher
        }
        try await eventually("all results") { results.total == 500 }
        #expect(results.ids.isSubset(of: ["confirmed", "stopped"]))
        let error = await failure { () async throws(AMQPError) in try await late.publish(message(to: queue)) }
        #expect(error?.code == .stopped)
        #expect(late.state == .stopped)
    }

    @Test("a mandatory message that no queue takes is refused as such, and the others are confirmed all the same")
    func mandatory() async throws {
        let url = try await SharedServers.rabbit().url
        let queue = unique("mandatory")
        try await withPublisher(url, topology: AMQPTopology(queues: [.init(queue)])) { publisher in
            var messages = (0..<300).map { message(to: $0 % 3 == 1 ? unique("nobody") : queue, id: "\($0)") }
            // Without the flag the broker confirms that it is gone.
            for index in messages.indices { messages[index].mandatory = index != 1 }
            let outcomes = await publisher.outcomes(of: messages)
            #expect(
                outcomes.enumerated().allSatisfy { index, error in
                    error?.code == (index % 3 == 1 && index != 1 ? .unroutable : nil)
                })
        }
    }
}
