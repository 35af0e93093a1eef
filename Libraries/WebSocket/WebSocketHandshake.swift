import Crypto
import Foundation
import HTTPCore
import UVHTTPServer
import UVLoop

/// A request to speak WebSocket from now on (RFC 6455, 4.2), found to be one.
package struct WebSocketHandshake: Sendable {
    /// What a server adds to the client's key to show that it understood (RFC 6455, 1.3).
    private static let suffix = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

    private let accept: String

    /// Checks what the protocol demands of a request. Extensions and subprotocols that it offers are not taken up.
    ///
    /// - Throws: `APIError` 426 for a request that asks for no WebSocket, or for another version; 400 for one that
    ///   lacks a key.
    package init(_ request: Request) throws(APIError) {
        let headers = request.headers
        guard request.method == .get, Self.names("websocket", in: headers.values("upgrade")),
            Self.names("upgrade", in: headers.values("connection"))
        else {
            throw APIError(
                .upgradeRequired, "WebSocket upgrade expected",
                headers: ["Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"])
        }
        guard headers.values("sec-websocket-version").map(Self.trimmed) == ["13"] else {
            throw APIError(
                .upgradeRequired, "WebSocket version not supported", field: "Sec-WebSocket-Version",
                reason: "must be 13", headers: ["Sec-WebSocket-Version": "13"])
        }
        let keys = headers.values("sec-websocket-key").map(Self.trimmed)
        guard keys.count == 1, Data(base64Encoded: keys[0])?.count == 16 else {
            throw APIError(
                .badRequest, "invalid WebSocket handshake", field: "Sec-WebSocket-Key",
                reason: "must be 16 bytes in base64")
        }
        accept = Data(sha1(keys[0] + Self.suffix)).base64EncodedString()
    }

    /// The response after which the connection is the callee's.
    ///
    /// - Parameter take: gets the stream, on its loop, and the bytes that the client sent ahead.
    package func makeResponse(_ take: @escaping @Sendable (TCPStream, [UInt8]) -> Void) -> Response {
        Response(
            .switchingProtocols,
            headers: ["Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Accept": accept],
            body: .upgrade(take))
    }

    /// Whether a list of tokens, in however many fields, has one of this name, in any case.
    private static func names(_ token: String, in fields: [String]) -> Bool {
        fields.contains { field in
            field.split(separator: ",").contains { trimmed(String($0)).lowercased() == token }
        }
    }

    private static func trimmed(_ text: String) -> String {
        text.trimmingCharacters(in: CharacterSet(charactersIn: " \t"))
    }
}
