import Foundation
import JSONBytes
import Testing

@testable import Contracts

/// A body is valid everywhere or nowhere, however deep it is.
@Suite struct DepthTests {
    private static func nested(_ depth: Int, _ opening: String, _ closing: String) -> [UInt8] {
        let (openings, closings) = (String(repeating: opening, count: depth), String(repeating: closing, count: depth))
        return Array((openings + "1" + closings).utf8)
    }

    /// What each reader says about one and the same bytes.
    private static func verdicts(_ json: [UInt8]) -> [Bool] {
        struct Anything: Decodable { init(from decoder: any Decoder) {} }
        return [
            (try? JSONScanner.validate(json)) != nil,
            (try? JSONSlice(validating: json)) != nil,
            (try? JSONValue(decoding: json)) != nil,
            (try? WireJSON.decode(Anything.self, from: json)) != nil,
            (try? WireJSON.decode(RawJSON.self, from: json)) != nil,
            RawJSON(json) != nil,
        ]
    }

    @Test(arguments: [("[", "]"), (#"{"a":"#, "}")])
    func allReadersAgree(_ opening: String, _ closing: String) {
        #expect(JSONScanner.depthLimit == 64)
        let deepest = Self.nested(JSONScanner.depthLimit, opening, closing)
        #expect(Set(Self.verdicts(deepest)) == [true])
        #expect(Set(Self.verdicts(Self.nested(JSONScanner.depthLimit + 1, opening, closing))) == [false])
        let member = Array(#"{"agent_card":"#.utf8) + deepest + Array("}".utf8)
        #expect(Set(Self.verdicts(member)) == [false])
    }

    @Test("An agent's response of the deepest kind travels in an event, alone and in a batch")
    func eventsCarryTheDeepest() throws {
        let response = try #require(RawJSON(Self.nested(JSONScanner.depthLimit, #"{"a":"#, "}")))
        let data = A2AResponse(responseBody: response, method: "message/send", durationMilliseconds: 1)
        let event = try CloudEvent(source: "s", type: .a2aResponse, subject: UUID(), data: data)
        let read = try CloudEvent.decode(event.encoded()) + CloudEvent.decode(CloudEvent.encodeBatch([event, event]))
        #expect(read.count == 3)
        for event in read { #expect(try event.decodeData(as: A2AResponse.self) == data) }
    }

    @Test func eventsCarryNothingDeeper() {
        let deeper = RawJSON(unchecked: Self.nested(JSONScanner.depthLimit + 1, "[", "]"))
        let data = Array(#"{"response_body":"#.utf8) + deeper.bytes + Array("}".utf8)
        let event = CloudEvent(source: "s", type: "t", subject: nil, data: RawJSON(unchecked: data))
        #expect(throws: WireError.self) { try CloudEvent.decode(CloudEvent.encodeBatch([event])) }
        #expect(throws: WireError.self) { try event.decodeData(as: A2AResponse.self) }
    }
}
