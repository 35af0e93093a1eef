import A2AProxy
import HTTPCore
import JSONBytes
import Testing

@Suite struct PublishedCardTests {
    private func published(_ card: String) throws -> JSONValue {
        try JSONValue(decoding: try #require(PublishedCard.make(from: Array(card.utf8), at: "http://here/agents/1")))
    }

    @Test func everyAddressIsOurs() throws {
        let card = try published(
            #"""
            {"name":"größe","url":"http://agent:1/","preferredTransport":"GRPC","protocolVersion":"0.3.0",
             "additionalInterfaces":[{"url":"http://agent:1/","transport":"JSONRPC"},
               {"url":"http://agent:2/","transport":"HTTP+JSON"}],
             "supportedInterfaces":[{"url":"http://agent:1/","protocolBinding":"JSONRPC","protocolVersion":"1.0"},
               {"url":"agent:3","protocolBinding":"GRPC","protocolVersion":"1.0"},
               {"protocolBinding":"JSONRPC","protocolVersion":"0.3","tenant":"t"}],
             "signatures":[{"protected":"x","signature":"y"}],"skills":[]}
            """#)
        let expected: JSONValue = [
            "name": "größe", "url": "http://here/agents/1", "preferredTransport": "JSONRPC", "protocolVersion": "0.3.0",
            "additionalInterfaces": [["url": "http://here/agents/1", "transport": "JSONRPC"]],
            "supportedInterfaces": [
                ["url": "http://here/agents/1", "protocolBinding": "JSONRPC", "protocolVersion": "1.0"],
                [
                    "url": "http://here/agents/1", "protocolBinding": "JSONRPC", "protocolVersion": "0.3",
                    "tenant": "t",
                ],
            ],
            "signatures": [], "skills": [],
        ]
        #expect(card == expected)
    }

    @Test func aCardOfTheFieldOnlyChangesItsURL() throws {
        let card = #"{"name":"a","url":"http://agent:1/","skills":[{"id":"x"}],"capabilities":{"streaming":true}}"#
        let bytes = try #require(PublishedCard.make(from: Array(card.utf8), at: "http://here/agents/1"))
        #expect(
            String(decoding: bytes, as: UTF8.self) == card.replacing("http://agent:1/", with: "http://here/agents/1"))
    }

    @Test(arguments: ["[]", "null", "{", ""])
    func whatIsNoObjectIsNoCard(_ card: String) {
        #expect(PublishedCard.make(from: Array(card.utf8), at: "u") == nil)
    }

    @Test func protocolHeadersComeBackFromTheStoreAsTheyWere() throws {
        let sent: HTTPHeaders = [
            "Content-Type": "application/json", "A2A-Version": "1.0", "a2a-extensions": "https://x/1, https://y: z",
            "Authorization": "Bearer secret", "X-A2A-Extensions": "",
        ]
        let kept = try #require(ProtocolHeaders.find(in: sent))
        let restored = ProtocolHeaders.fields(from: ProtocolHeaders.text(of: kept))
        #expect(restored.map(\.name) == ["A2A-Version", "a2a-extensions", "X-A2A-Extensions"])
        #expect(restored.map(\.value) == ["1.0", "https://x/1, https://y: z", ""])
        #expect(ProtocolHeaders.find(in: ["Host": "x"]) == nil)
    }
}
