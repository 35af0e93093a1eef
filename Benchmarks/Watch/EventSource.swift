import AMQP
import Contracts
import EventOutbox
import Foundation
import Observability

/// What viewers search for in the bytes they get: a sign that occurs nowhere else, and the event's number in decimal
/// digits.
enum Marker {
    static let sign = UInt8(ascii: "@")
    static let digits = 7

    static func text(_ number: Int) -> String {
        let text = String(number)
        return "@" + String(repeating: "0", count: digits - text.count) + text
    }
}

/// Publishes events as the contender's users do.
protocol EventSource: Sendable {
    /// Publishes events with these numbers, in order; returns once they are sent or queued.
    func publish(_ numbers: Range<Int>) throws
}

/// Lines of NATS's protocol.
struct NATSSource: EventSource {
    static let subject = "bench"

    let descriptor: Int32
    let bytes: Int

    init(_ options: WatchOptions) throws {
        bytes = options.bytes
        descriptor = try Wire.connect(port: options.port)
        try Wire.send("CONNECT {\"verbose\":false}\r\n", to: descriptor)
    }

    func publish(_ numbers: Range<Int>) throws {
        let lines = numbers.map { "PUB \(Self.subject) \(bytes)\r\n\(Payload.text($0, bytes: bytes))\r\n" }
        try Wire.send(lines.joined(), to: descriptor)
    }
}

/// Requests of nchan's publisher, sent one behind the other over one connection.
struct PostSource: EventSource {
    let descriptor: Int32
    let bytes: Int
    let path: String

    init(_ options: WatchOptions) throws {
        bytes = options.bytes
        path = options.publishPath
        descriptor = try Wire.connect(port: options.port)
    }

    func publish(_ numbers: Range<Int>) throws {
        // Reads the responses to earlier requests: unread, they would block nginx.
        var responses = [UInt8](repeating: 0, count: 1 << 18)
        while recv(descriptor, &responses, responses.count, Int32(MSG_DONTWAIT)) > 0 {}
        let requests = numbers.map { number in
            "POST \(path) HTTP/1.1\r\nHost: bench\r\nContent-Type: text/plain\r\nContent-Length: \(bytes)\r\n\r\n"
                + Payload.text(number, bytes: bytes)
        }
        try Wire.send(requests.joined(), to: descriptor)
    }
}

/// Events without a row, each in a broker message of its own, as the services publish them.
final class BrokerSource: EventSource {
    private let publisher: AMQPPublisher
    private let queue = AsyncStream.makeStream(of: [AMQPMessage].self)
    private let padding: Int

    init(_ options: WatchOptions) async throws {
        let logger = Logger.disabled
        publisher = try AMQPPublisher(
            urls: options.amqpURL, topology: AMQPTopology([]), logger: logger,
            metrics: MetricsRegistry(includesProcess: false))
        padding = max(0, options.bytes - Self.envelope(options.mode))
        let (publisher, stream) = (publisher, queue.stream)
        Task { try await publisher.run() }
        Task {
            for await batch in stream {
                // One after the other, so that they stay in order. A loss shows at the viewers.
                try? await publisher.publish(batch)
            }
        }
        for _ in 0..<200 where !publisher.isReady { try await Task.sleep(for: .milliseconds(50)) }
        guard publisher.isReady else { throw WatchFailure("the broker cannot be reached") }
    }

    /// Bytes of an event's JSON beside the padding, as viewers get it.
    private static func envelope(_ mode: WatchMode) -> Int { mode == .sse ? 134 : 154 }

    func publish(_ numbers: Range<Int>) throws {
        let text = String(repeating: "x", count: padding)
        queue.continuation.yield(
            numbers.map { number in
                let data = RawJSON(unchecked: Array("{\"message\":\"\(Marker.text(number))\(text)\"}".utf8))
                var message = CloudEvent(
                    source: CloudEvent.source(ofService: "notifier"), type: EventType.agentMessage.rawValue,
                    subject: UUID(), data: data
                ).message
                message.persistent = false
                return message
            })
    }
}

/// An event for contenders that pass payloads through unparsed.
enum Payload {
    static func text(_ number: Int, bytes: Int) -> String {
        let text = "{\"message\":\"\(Marker.text(number))"
        return text + String(repeating: "x", count: bytes - text.utf8.count - 2) + "\"}"
    }
}
