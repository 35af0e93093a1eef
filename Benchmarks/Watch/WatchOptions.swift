/// The protocol of a contender.
enum WatchMode: String, Sendable {
    /// Server-sent events of the notifier, published over AMQP.
    case sse
    /// The notifier's WebSocket, published over AMQP.
    case websocket
    /// Server-sent events of nchan, published by POST.
    case nchanSSE = "nchan-sse"
    /// nchan's WebSocket, published by POST.
    case nchanWebSocket = "nchan-websocket"
    /// Subscribers of nats-server.
    case nats

    var isWebSocket: Bool { self == .websocket || self == .nchanWebSocket }
}

/// What the command line asks for.
struct WatchOptions: Sendable {
    static let usage = """
        usage: watch --mode sse|websocket|nchan-sse|nchan-websocket|nats --port <n> [--path <path>] [--token <bearer>] \
        [--amqp <url>] [--publish <path>] [--viewers <n>] [--slow <n>] [--bytes <n>]
        Then reads lines "burst <events> <gap in µs> <repeats>", and answers each with a line of JSON.
        """

    struct Invalid: Error, CustomStringConvertible {
        let description: String
    }

    var mode = WatchMode.sse
    var port: UInt16 = 0
    var path = "/"
    var token = ""
    var amqpURL = ""
    /// Where nchan receives messages.
    var publishPath = "/"
    var viewers = 5000
    /// Of the viewers, those that do not read.
    var slow = 0
    /// Of one event as viewers get it, without its protocol's framing.
    var bytes = 250

    /// - Throws: `Invalid` naming the argument.
    init(_ arguments: some Sequence<String>) throws {
        var rest = arguments.makeIterator()
        while let name = rest.next() {
            guard let value = rest.next() else { throw Invalid(description: "\(name) wants a value\n\(Self.usage)") }
            switch name {
            case "--mode":
                guard let mode = WatchMode(rawValue: value) else { throw Invalid(description: Self.usage) }
                self.mode = mode
            case "--port": port = try Self.number(name, value)
            case "--path": path = value
            case "--token": token = value
            case "--amqp": amqpURL = value
            case "--publish": publishPath = value
            case "--viewers": viewers = try Self.number(name, value)
            case "--slow": slow = try Self.number(name, value)
            case "--bytes": bytes = try Self.number(name, value)
            default: throw Invalid(description: "unknown argument \(name)\n\(Self.usage)")
            }
        }
        guard port > 0, viewers > 0, (0..<viewers).contains(slow), bytes >= 200 else {
            throw Invalid(description: Self.usage)
        }
    }

    private static func number<Number: LosslessStringConvertible>(_ name: String, _ text: String) throws -> Number {
        guard let number = Number(text) else { throw Invalid(description: "\(name): not a number: \(text)") }
        return number
    }
}
