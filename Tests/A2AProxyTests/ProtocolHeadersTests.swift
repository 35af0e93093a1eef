import A2AProxy
import HTTPCore
import Testing
import UVHTTPServer
import UVLoop

@Suite("What goes to the agent of a request's head") struct ProtocolHeadersTests {
    private func forwarded(_ target: String, _ headers: HTTPHeaders = [:]) throws -> HTTPHeaders? {
        try ProtocolHeaders.forwarded(
            of: Request(method: .post, target: target, headers: headers, loop: QueueFixture.loops.any()))
    }

    @Test func fieldsComeBackFromTheStoreAsTheyWere() throws {
        let sent: HTTPHeaders = [
            "Content-Type": "application/json", "A2A-Version": "1.0", "a2a-extensions": "https://x/1, https://y: z",
            "Authorization": "Bearer secret", "X-A2A-Extensions": "", "X-Switchyard-Hops": "3",
        ]
        let kept = try #require(try forwarded("/", sent))
        let restored = ProtocolHeaders.fields(from: ProtocolHeaders.text(of: kept))
        #expect(restored.map(\.name) == ["A2A-Version", "a2a-extensions", "X-A2A-Extensions", "X-Switchyard-Hops"])
        #expect(restored.map(\.value) == ["1.0", "https://x/1, https://y: z", "", "4"])
        #expect(try forwarded("/?x=A2A-Version", ["Host": "x"]) == nil)
    }

    @Test func aValueMayBeginWithAnything() {
        let text = ProtocolHeaders.text(of: ["A2A-Extensions": "\u{301}x", "A2A-Version": "1.0"])
        #expect(ProtocolHeaders.fields(from: text).map(\.value) == ["\u{301}x", "1.0"])
    }

    @Test func theVersionMayStandInTheQuery() throws {
        #expect(try forwarded("/?a=b&a2a-version=1.0")?.values("A2A-Version") == ["1.0"])
        #expect(try forwarded("/?A2A-Version=1.0", ["a2a-version": "0.3"])?.values("A2A-Version") == ["0.3"])
        #expect(try forwarded("/?A2A-Version=") == nil)
        for bad in ["1.0%0D%0AX: y", "1.0%00", "%C3%A9", String(repeating: "1", count: 33)] {
            let error = #expect(throws: APIError.self) { try forwarded("/?A2A-Version=\(bad)") }
            #expect(error?.status == .badRequest)
            #expect(error?.field == "A2A-Version")
        }
    }

    @Test(
        arguments: [
            (nil, nil), ("0", nil), ("-1", nil), ("x", nil), ("99999999999999999999", nil), ("1", "2"), ("9", "10"),
        ] as [(String?, String?)])
    func passesAreCounted(_ sent: String?, _ passed: String?) throws {
        let headers: HTTPHeaders = sent.map { ["x-switchyard-hops": $0] } ?? [:]
        #expect(try forwarded("/", headers)?["X-Switchyard-Hops"] == passed)
    }

    @Test(arguments: ["10", "11", "1000"]) func passesEndAtTen(_ sent: String) {
        let error = #expect(throws: APIError.self) { try forwarded("/", ["X-Switchyard-Hops": sent]) }
        #expect(error?.status == .loopDetected)
    }
}
