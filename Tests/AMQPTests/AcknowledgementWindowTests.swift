import Testing

@testable import AMQP

@Suite("Acknowledgement window")
struct AcknowledgementWindowTests {
    private func window(_ tags: ClosedRange<UInt64>) -> AcknowledgementWindow {
        var window = AcknowledgementWindow()
        for tag in tags { window.opened(tag) }
        return window
    }

    @Test("a run of finished deliveries costs one frame")
    func run() {
        var window = window(1...5)
        for tag in [3, 1, 2] as [UInt64] { window.settle(tag, .done) }
        #expect(window.flush() == [.ack(3, multiple: true)])
        #expect(window.flush() == [])
        #expect(window.openCount == 2)
    }

    @Test("deliveries that finished behind a slow one are settled individually, once")
    func behindSlow() {
        var window = window(1...4)
        window.settle(2, .done)
        window.settle(4, .done)
        #expect(window.flush() == [.ack(2, multiple: false), .ack(4, multiple: false)])
        window.settle(1, .done)
        #expect(window.flush() == [.ack(1, multiple: false)])
        window.settle(3, .done)
        #expect(window.flush() == [.ack(3, multiple: false)])
        #expect(window.openCount == 0)
    }

    @Test("retried and rejected ones are settled before, and are not acknowledged with the run")
    func mixed() {
        var window = window(1...4)
        window.settle(1, .done)
        window.settle(2, .retry)
        window.settle(3, .done)
        window.settle(4, .reject)
        #expect(
            window.flush() == [.nack(2, requeue: true), .nack(4, requeue: false), .ack(3, multiple: true)])
        #expect(window.openCount == 0)
    }

    @Test("settling twice or unknown tags says nothing", arguments: [UInt64(1), 9])
    func twice(_ tag: UInt64) {
        var window = window(1...2)
        window.settle(1, .done)
        #expect(window.flush() == [.ack(1, multiple: false)])
        window.settle(tag, .retry)
        #expect(window.flush() == [])
    }
}
