import Concurrency
import Foundation
import Observability
import Testing
import TestSupport

@testable import AMQP

/// The hand-over from callers to the publisher's thread.
@Suite("Wake-ups of the publisher")
struct WakeUpTests {
    @Test("a message that is offered while another one is being sent wakes the thread that is about to wait")
    func offeredBetweenTakeAndWait() async throws {
        let addresses = try BrokerAddress.list(try await SharedServers.rabbit().url)
        let isAwake = try await onThread {
            let configuration = AMQPPublisher.Configuration()
            let mailbox = PublisherMailbox(maxMessages: 10, maxBytes: 1 << 20)
            let loop = PublisherLoop(
                mailbox: mailbox, addresses: addresses, topology: AMQPTopology(), configuration: configuration,
                calls: BlockingCallMonitor(), logger: .disabled, metrics: PublisherMetrics(MetricsRegistry()))
            let session = try loop.connect(addresses[0])
            func offer() {
                let deadline = MonotonicClock.milliseconds + 60_000
                _ = mailbox.offer([
                    PublishEntry(message: message(to: unique("nowhere")), ticket: nil, index: 0, deadline: deadline)
                ])
            }
            // A round of the loop, with the second message between its take and its wait.
            var backlog = FIFO<PublishEntry>()
            offer()
            mailbox.wakeup.clear()
            for entry in mailbox.take() { backlog.append(entry) }
            offer()
            try session.send(from: &backlog)
            try session.receive()
            return backlog.isEmpty && mailbox.wakeup.isAwake
        }
        #expect(isAwake)
    }
}

extension EventFD {
    /// Whether `wait` would return at once because of a wake-up.
    fileprivate var isAwake: Bool {
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&entry, 1, 0) > 0
    }
}
