import Contracts
import JSONBytes
import PlatformInternals
import Templates
import Testing

/// The document against the exchange and the queues that services declare.
@Suite("AsyncAPI topology")
struct AsyncAPITopologyTests {
    /// By the document's names; what differs by process is a parameter of the address.
    private static let queues: [String: BrokerQueue] = [
        "a2a.heartbeats": Topology.heartbeats, "a2a.drain": Topology.drain, "switchyard.dead": Topology.deadLetters,
        "notify": Topology.notifications(instance: "{instance}"),
        "cache": Topology.invalidation(service: "{service}", instance: "{instance}"),
    ]

    private let document: AsyncAPIDocument

    init() throws { document = try AsyncAPIDocument.read() }

    @Test("Every event goes through the exchange")
    func exchange() throws {
        for (name, channel) in try document.channels(that: "routingKey") {
            let exchange = try document.amqp(channel)?["exchange"]
            #expect(exchange?["name"]?.string == Topology.events.name, "\(name)")
            #expect(exchange?["type"]?.string == "topic", "\(name)")
            #expect(exchange?["durable"]?.json == .bool(Topology.events.isDurable), "\(name)")
        }
    }

    @Test("Every queue is described with its durability, its bindings and its arguments")
    func queues() throws {
        let described = try document.channels(that: "queue")
        #expect(Set(described.keys) == Set(Self.queues.keys.map { "queue.\($0)" }))
        for (name, queue) in Self.queues {
            let channel = try #require(described["queue.\(name)"], "\(name)")
            #expect(channel["address"]?.string == queue.name)
            let binding = try document.amqp(channel)?["queue"]
            #expect(binding?["name"]?.string == queue.name)
            #expect(binding?["durable"]?.json == .bool(queue.durability == .durable), "\(name)")
            #expect(binding?["exclusive"]?.json == .bool(queue.durability == .exclusive), "\(name)")
            #expect(binding?["autoDelete"]?.json == .bool(queue.durability == .exclusive), "\(name)")
            #expect(channel["x-routing-keys"]?.strings.sorted() == queue.bindings.sorted(), "\(name)")
            #expect(channel["x-arguments"]?.json == .object(queue.arguments.mapValues(\.json)), "\(name)")
        }
    }

    @Test("A queue has the messages that its bindings bring, and the platform receives them")
    func messages() throws {
        for (name, queue) in Self.queues {
            // The dead letters are of any queue.
            let isForAll = queue.bindings == ["#"] || queue == Topology.deadLetters
            let types = isForAll ? EventType.allCases.map(\.rawValue) : queue.bindings
            let channel = try #require(document.channels["queue.\(name)"])
            #expect(Set(document.messages(of: channel).values) == Set(types), "\(name)")
            #expect(document.messages(of: channel).allSatisfy { $0.key == $0.value }, "\(name)")
            let operation = try #require(document.operations["receive.\(name)"])
            #expect(operation["action"]?.string == "receive")
            #expect(operation["channel"]?["$ref"]?.string == "#/channels/queue.\(name)")
        }
        let receiving = document.operations.filter { $0.value["action"]?.string == "receive" }
        #expect(Set(receiving.keys) == Set(Self.queues.keys.map { "receive.\($0)" }))
    }
}

extension BrokerQueue.Argument {
    fileprivate var json: JSONValue {
        switch self {
        case .string(let text): .string(text)
        case .integer(let number): .int(number)
        }
    }
}
