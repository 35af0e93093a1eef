import Foundation
import HTTPCore
import JSONBytes
import ServiceHost
import Testing
import UVHTTPServer

/// How bodies are read before a route sees them.
@Suite struct RequestBodyTests {
    private struct Body: Decodable, Equatable {
        var name: String
    }

    private func request(_ body: String = "{}", type: String? = nil) -> Request {
        Requests.make(.post, "/", headers: type.map { ["Content-Type": $0] } ?? [:], body: body)
    }

    @Test(
        arguments: [
            nil, "application/json", "Application/JSON", "application/json; charset=utf-8", "application/json ;x=y",
            "application/problem+json", "application/a2a+json; v=1", "",
        ] as [String?])
    func takesJSON(_ type: String?) throws {
        try request(type: type).requireJSON()
    }

    /// A page of another site can send the first three without a preflight.
    @Test(arguments: [
        "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
        "text/plain;charset=utf-8",
        "text/plain; application/json", "application/json, text/plain", "text/plain, application/json", "text/x+json",
        "application/jsonp", "application/xml", "json", "*/*", "text/plain;x=+json", "application/+json/x",
    ])
    func refusesAnyOtherType(_ type: String) async throws {
        let error = try #require(throws: APIError.self) { try request(type: type).requireJSON() }
        #expect(error.status == .unsupportedMediaType)
        await #expect(throws: APIError.self) { try await request(type: type).jsonBytes() }
    }

    @Test func aBodyThatIsTooLongIsRefused() async throws {
        #expect(try await request("12345").jsonBytes(upTo: 5).count == 5)
        await #expect(throws: HTTPBodyError.self) { try await request("123456").jsonBytes(upTo: 5) }
    }

    @Test(arguments: ["", "[]", "\"a\"", "1", "null", "{", "{}{}", "{\"a\":\u{1}}", "{'a':1}", "\u{FEFF}{}"])
    func onlyAnObjectIsABody(_ text: String) throws {
        let error = try #require(throws: APIError.self) {
            _ = try request().jsonObject(Array(text.utf8), orError: "own words")
        }
        #expect(error.status == .badRequest && error.message == "own words")
        #expect(error.reason == "must be a JSON object")
    }

    @Test func aBodyIsDecodedOrTheFieldIsNamed() async throws {
        #expect(try await request(#"{"name":"a","other":1}"#).decode(Body.self) == Body(name: "a"))
        for text in ["{}", #"{"name":1}"#, #"{"name":null}"#] {
            let error = try #require(
                await #expect(throws: APIError.self) {
                    try await request(text).decode(Body.self)
                })
            #expect(error.status == .badRequest && error.field == "name" && error.reason != nil, "\(text)")
        }
    }

    @Test func theSenderIsReadBeforeAnythingElse() throws {
        let id = UUID()
        func sender(_ text: String) throws -> UUID {
            try JSONObject(validating: Array(text.utf8)).workspaceID("source_id")
        }
        #expect(try sender(#"{"other":[],"source_id":"\#(id)"}"#) == id)
        for (text, reason) in [
            ("{}", "is required"), (#"{"source_id":7}"#, "must be a string"), (#"{"source_id":"7"}"#, "must be a UUID"),
            (#"{"source_id":""}"#, "must be a UUID"), (#"{"source_id":"{\#(id)}"}"#, "must be a UUID"),
        ] {
            let error = try #require(throws: APIError.self) { try sender(text) }
            #expect([error.field, error.reason] == ["source_id", reason], "\(text)")
        }
    }
}
