import Contracts
import Foundation
import JSONBytes
import Templates
import Testing

@testable import Notifier

/// The document against what the notifier writes for viewers.
@Suite("AsyncAPI streams")
struct AsyncAPIStreamTests {
    private let document: AsyncAPIDocument

    init() throws { document = try AsyncAPIDocument.read() }

    /// The document's name of a message of a format.
    private func message(_ format: StreamFormat, _ kind: String) -> String {
        (format == .webSocket ? "webSocket" : "serverSent") + kind
    }

    /// The JSON of a text, and its position wherever the format has that.
    private func read(_ text: [UInt8], _ format: StreamFormat) throws -> (json: JSONValue, id: Int?) {
        guard format == .serverSentEvents else {
            let json = try JSONValue(decoding: text)
            return (json, json["id"]?.int)
        }
        let event = try #require(String(decoding: text, as: UTF8.self).wholeMatch(of: /(?:id: (\d+)\n)?data: (.*)\n\n/))
        return (try JSONValue(decoding: Array(event.2.utf8)), event.1.flatMap { Int($0) })
    }

    @Test("Every event that viewers see fits under its name, and no other does", arguments: StreamFormat.allCases)
    func events(_ format: StreamFormat) throws {
        let message = message(format, "Event")
        for sample in try EventSample.all() {
            for type in sample.types {
                for subject in [UUID(), nil] {
                    let event = CloudEvent(
                        source: "switchyard/registry", type: type.rawValue, subject: subject, data: sample.fullest,
                        sequence: type.isDurable ? 7 : nil)
                    guard type.clientName != nil else {
                        #expect(format.text(of: event) == nil)
                        continue
                    }
                    let written = try read(try #require(format.text(of: event)), format)
                    #expect(written.id == (type.isDurable ? 7 : nil))
                    #expect(try document.problems(written.json, in: message) == [], "\(type)")
                }
                guard type.clientName != nil else { continue }
                let foreign = CloudEvent(
                    source: "switchyard/registry", type: type.rawValue, subject: nil,
                    data: RawJSON(unchecked: Array(#"{"of_no_event":1}"#.utf8)))
                let written = try read(try #require(format.text(of: foreign)), format)
                #expect(try document.problems(written.json, in: message) != [], "\(type)")
            }
        }
        let name = format == .webSocket ? "event" : "type"
        let choices = try document.yaml.resolved(document.payload(message))["anyOf"]?.elements ?? []
        let names = choices.compactMap { $0["properties"]?[name] }.flatMap { value in
            value["enum"]?.strings ?? value["const"]?.string.map { [$0] } ?? []
        }
        #expect(names.sorted() == EventType.allCases.compactMap(\.clientName).sorted())
    }

    @Test("The notices fit", arguments: StreamFormat.allCases)
    func notices(_ format: StreamFormat) throws {
        let lagged = try read(format.lagged(3), format)
        #expect(lagged.id == nil)
        #expect(try document.problems(lagged.json, in: message(format, "Lagged")) == [])
        for oldest: Int64? in [5, nil] {
            let reset = try read(format.reset("unknown position", position: 9, oldest: oldest), format)
            #expect(reset.id == 9)
            #expect(try document.problems(reset.json, in: message(format, "Reset")) == [])
        }
        #expect(try document.problems(lagged.json, in: message(format, "Reset")) != [])
    }

    @Test("The reasons of a reset are those that the notifier gives")
    func reasons() throws {
        let requests: [ResumeRequest] = [.unreadable, .after(1), .after(9)]
        let reasons = requests.compactMap { request -> String? in
            let start = StreamStart(request, known: nil, bounds: (oldest: 5, last: .start))
            return if case .reset(let reason, _, _) = start { reason } else { nil }
        }
        #expect(try document.schema("StreamReset")["properties"]?["reason"]?["enum"]?.strings == reasons)
    }

    @Test("Every stream is described where it is served, with what it may say")
    func streams() throws {
        let streams = document.channels.filter { $0.key.hasPrefix("stream.") }
        let served = Set(try OpenAPIDocument.read().operations.map(\.name))
        #expect(streams.count == 3)
        for (name, channel) in streams {
            let address = try #require(channel["address"]?.string)
            #expect(served.contains("GET \(address)"), "\(name)")
            let format: StreamFormat = address == "/ws" ? .webSocket : .serverSentEvents
            let kinds = ["event": "Event", "reset": "Reset", "lagged": "Lagged"]
            #expect(document.messages(of: channel) == kinds.mapValues { message(format, $0) })
            #expect(document.operations["send.\(name)"]?["channel"]?["$ref"]?.string == "#/channels/\(name)")
        }
    }
}
