import A2AProxy
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

    @Test func nothingOfTheInnerAddressIsLeft() throws {
        let card = #"""
            {"url":"http://inner/","name":"a","url":"http://inner/","additionalInterfaces":"http://inner/",
             "supported_interfaces":[{"url":"http://inner/","protocol_binding":"JSONRPC","url":"http://inner/"}],
             "additional_interfaces":[{"url":"http://inner/","transport":"GRPC"}],"supportedInterfaces":["http://inner/"]}
            """#
        let bytes = try #require(PublishedCard.make(from: Array(card.utf8), at: "http://here/agents/1"))
        #expect(!String(decoding: bytes, as: UTF8.self).contains("inner/"))
        #expect(
            try published(card)["supported_interfaces"] == [
                ["url": "http://here/agents/1", "protocol_binding": "JSONRPC"]
            ])
    }

    @Test(arguments: ["[]", "null", "{", ""])
    func whatIsNoObjectIsNoCard(_ card: String) {
        #expect(PublishedCard.make(from: Array(card.utf8), at: "u") == nil)
    }
}
