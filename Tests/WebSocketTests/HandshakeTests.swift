import HTTPCore
import Testing
import TestSupport
import UVHTTPServer
import UVLoop

@testable import WebSocket

@Suite("The WebSocket handshake")
struct HandshakeTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let fields: [(String, String)]
        var method = HTTPMethod.get
        var status = 101
        var testDescription: String { name }
    }

    private static let upgrade = ("Upgrade", "websocket")
    private static let connection = ("Connection", "Upgrade")
    private static let version = ("Sec-WebSocket-Version", "13")
    private static let key = ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")

    static let cases: [Case] = [
        Case(name: "as in the RFC", fields: [upgrade, connection, version, key]),
        Case(name: "keep-alive, Upgrade", fields: [upgrade, ("Connection", "keep-alive, Upgrade"), version, key]),
        Case(name: "upgrade,keep-alive", fields: [upgrade, ("Connection", "upgrade,keep-alive"), version, key]),
        Case(name: "two Connection fields", fields: [upgrade, ("Connection", "keep-alive"), connection, version, key]),
        Case(name: "another case", fields: [("UPGRADE", "WebSocket"), ("CONNECTION", "UPGRADE"), version, key]),
        Case(name: "one of several upgrades", fields: [("Upgrade", "h2c, websocket"), connection, version, key]),
        Case(
            name: "extensions and subprotocols",
            fields: [
                upgrade, connection, version, key, ("Sec-WebSocket-Extensions", "permessage-deflate"),
                ("Sec-WebSocket-Protocol", "chat"),
            ]),
        Case(name: "no Upgrade", fields: [connection, version, key], status: 426),
        Case(name: "another Upgrade", fields: [("Upgrade", "h2c"), connection, version, key], status: 426),
        Case(name: "part of a word", fields: [("Upgrade", "websockets"), connection, version, key], status: 426),
        Case(name: "no Connection", fields: [upgrade, version, key], status: 426),
        Case(
            name: "Connection: keep-alive", fields: [upgrade, ("Connection", "keep-alive"), version, key], status: 426),
        Case(name: "Connection: close", fields: [upgrade, ("Connection", "close"), version, key], status: 426),
        Case(name: "nothing at all", fields: [], status: 426),
        Case(name: "no version", fields: [upgrade, connection, key], status: 426),
        Case(name: "version 8", fields: [upgrade, connection, ("Sec-WebSocket-Version", "8"), key], status: 426),
        Case(name: "version 013", fields: [upgrade, connection, ("Sec-WebSocket-Version", "013"), key], status: 426),
        Case(name: "two versions", fields: [upgrade, connection, version, version, key], status: 426),
        Case(name: "no key", fields: [upgrade, connection, version], status: 400),
        Case(name: "an empty key", fields: [upgrade, connection, version, ("Sec-WebSocket-Key", "")], status: 400),
        Case(
            name: "a key of 15 bytes",
            fields: [upgrade, connection, version, ("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAA")], status: 400),
        Case(
            name: "a key of 17 bytes",
            fields: [upgrade, connection, version, ("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAAA=")], status: 400),
        Case(
            name: "a key that is no base64",
            fields: [upgrade, connection, version, ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=!")], status: 400),
        Case(name: "two keys", fields: [upgrade, connection, version, key, key], status: 400),
        Case(name: "POST", fields: [upgrade, connection, version, key], method: .post, status: 426),
    ]

    @Test("is accepted, or refused with what is wrong", arguments: cases)
    func table(_ testCase: Case) throws {
        let group = EventLoopGroup(count: 1)
        defer { group.shutdown() }
        let request = Request(
            method: testCase.method, target: "/ws", headers: HTTPHeaders(testCase.fields), loop: group.loops[0])
        guard testCase.status != 101 else {
            let response = try WebSocketHandshake(request).makeResponse { _, _ in }
            #expect(response.status == 101)
            #expect(response.headers["Sec-WebSocket-Accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
            #expect(response.headers["Sec-WebSocket-Extensions"] == nil)
            #expect(response.headers["Sec-WebSocket-Protocol"] == nil)
            return
        }
        let error = #expect(throws: APIError.self) { try WebSocketHandshake(request) }
        #expect(error?.status.code == testCase.status)
        if testCase.status == 426 { #expect(error?.headers["Sec-WebSocket-Version"] == "13") }
    }
}
