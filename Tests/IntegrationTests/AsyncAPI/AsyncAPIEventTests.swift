import Contracts
import Foundation
import JSONBytes
import Templates
import Testing

/// The document against the types of events, and what the encoder makes of them.
@Suite("AsyncAPI events")
struct AsyncAPIEventTests {
    private let document: AsyncAPIDocument
    private let samples: [EventSample]

    init() throws {
        document = try AsyncAPIDocument.read()
        samples = try EventSample.all()
    }

    @Test("Every type of event has one channel, message and operation, which say what the code says of it")
    func types() throws {
        let channels = try document.channels(that: "routingKey")
        #expect(Set(channels.keys) == Set(EventType.allCases.map(\.rawValue)))
        for type in EventType.allCases {
            let (name, channel) = (type.rawValue, try #require(channels[type.rawValue], "\(type)"))
            #expect(channel["address"]?.string == name)
            #expect(channel["title"]?.string?.isEmpty == false && channel["description"]?.string?.isEmpty == false)
            #expect(document.messages(of: channel) == ["event": name])
            #expect(channel["x-client-name"]?.json == (type.clientName.map(JSONValue.string) ?? .null), "\(name)")
            #expect(channel["x-durable"]?.json == .bool(type.isDurable), "\(name)")
            #expect(channel["x-batched"]?.json == .bool(type.isBatched), "\(name)")

            let operation = try #require(document.operations["send.\(name)"])
            #expect(operation["action"]?.string == "send")
            #expect(operation["channel"]?["$ref"]?.string == "#/channels/\(name)")
            #expect(try document.amqp(operation)?["deliveryMode"]?.int == (type.isDurable ? 2 : 1), "\(name)")

            let message = try #require(document.messages[name])
            let content = type.isBatched ? CloudEvent.batchContentType : CloudEvent.contentType
            #expect(message["name"]?.string == name && message["contentType"]?.string == content, "\(name)")
            #expect(message["bindings"]?["amqp"]?["messageType"]?.string == name)
        }
        let streams = document.channels.filter { $0.key.hasPrefix("stream.") }.values
        let shown = streams.flatMap { document.messages(of: $0).values }
        #expect(Set(document.messages.keys) == Set(EventType.allCases.map(\.rawValue) + shown))
    }

    @Test("Data has the properties of its type, and those are required that are always there")
    func data() throws {
        #expect(Set(samples.flatMap(\.types)) == Set(EventType.allCases))
        for sample in samples {
            let schema = try document.schema(sample.schema)
            let fullest = try JSONValue(decoding: sample.fullest.bytes)
            let barest = try JSONValue(decoding: sample.barest.bytes)
            let check = SchemaCheck(document: document.yaml)
            #expect(try check.problems(fullest, schema) == [], "\(sample.schema)")
            #expect(try check.problems(barest, schema) == [], "\(sample.schema)")
            expect(schema, sample.schema, has: fullest, always: barest)
            for type in sample.types {
                let data = try document.schema(type.rawValue)["allOf"]?.elements.first?["properties"]?["data"]
                #expect(data?["$ref"]?.string == "#/components/schemas/\(sample.schema)", "\(type)")
            }
        }
    }

    private func expect(_ schema: YAMLValue, _ name: String, has fullest: JSONValue, always barest: JSONValue) {
        let properties = Set((schema["properties"]?.members ?? [:]).keys)
        #expect(properties == Set((fullest.object ?? [:]).keys), "\(name)")
        #expect(Set(schema["required"]?.strings ?? []) == Set((barest.object ?? [:]).keys), "\(name)")
    }

    @Test("An event is its envelope with its data, alone or in a batch as its type travels")
    func envelopes() throws {
        for sample in samples {
            for type in sample.types {
                let event = CloudEvent(
                    source: CloudEvent.source(ofService: "registry"), type: type.rawValue, subject: UUID(),
                    data: sample.fullest, traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                    sequence: type.isDurable ? 7 : nil)
                let alone = try document.problems(JSONValue(decoding: event.encoded()), in: type.rawValue)
                let batch = try document.problems(
                    JSONValue(decoding: CloudEvent.encodeBatch([event, event])), in: type.rawValue)
                #expect(alone.isEmpty == !type.isBatched, "\(type): \(alone)")
                #expect(batch.isEmpty == (type.isBatched || type.isDurable), "\(type): \(batch)")
                var other = event
                other.type = "other"
                let renamed = type.isBatched ? CloudEvent.encodeBatch([other]) : other.encoded()
                #expect(try document.problems(JSONValue(decoding: renamed), in: type.rawValue) != [])
                guard type.isBatched else { continue }
                let shared = CloudEvent.encodeBatch(
                    type: type.rawValue, source: event.source, time: event.time, [(UUID(), sample.barest)])
                #expect(try document.problems(JSONValue(decoding: shared), in: type.rawValue) == [])
            }
        }
        var event = CloudEvent(
            source: "switchyard/sweeper", type: "sweep.held", subject: UUID(), data: .emptyObject, traceparent: "t",
            sequence: 7)
        let fullest = try JSONValue(decoding: event.encoded())
        (event.subject, event.traceparent, event.sequence) = (nil, nil, nil)
        let barest = try JSONValue(decoding: event.encoded())
        expect(try document.schema("CloudEvent"), "CloudEvent", has: fullest, always: barest)
    }

    @Test("The words are those of the code")
    func words() throws {
        func words(_ schema: String) throws -> [String]? { try document.schema(schema)["enum"]?.strings }
        #expect(try words("WorkspaceStatus") == WorkspaceStatus.allCases.map(\.rawValue))
        #expect(try words("DelegationStatus") == DelegationStatus.allCases.map(\.rawValue))
        #expect(try words("ActivityType") == ActivityType.allCases.map(\.rawValue))
        #expect(try words("SweepScope") == SweepScope.allCases.map(\.rawValue))
        let schedule = try document.schema("ScheduleChanged")["properties"]?["status"]?["enum"]?.strings
        #expect(schedule == ["fired"] + ScheduleStatus.allCases.map(\.rawValue))
    }

    @Test("Every property is described, and every message has an example that fits")
    func completeness() throws {
        for (name, schema) in document.components("schemas") {
            for (property, value) in schema["properties"]?.members ?? [:] {
                #expect(value["description"]?.string?.isEmpty == false, "\(name).\(property)")
            }
        }
        for name in document.messages.keys {
            let examples = document.messages[name]?["examples"]?.elements ?? []
            #expect(!examples.isEmpty, "\(name)")
            for example in examples {
                let payload = try #require(example["payload"]?.json, "\(name)")
                #expect(try document.problems(payload, in: name) == [], "\(name)")
            }
        }
    }

    @Test("Every reference refers to something, and every component is referred to")
    func references() throws {
        let used = try document.yaml.resolveAll()
        for kind in (document.yaml.root["components"]?.members ?? [:]).keys.sorted() {
            for name in document.components(kind).keys.sorted() {
                #expect(used["#/components/\(kind)/\(name)"] != nil, "nothing refers to \(kind)/\(name)")
            }
        }
    }
}
