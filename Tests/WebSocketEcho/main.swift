import Foundation
import HTTPCore
import UVHTTPServer
import UVLoop
import WebSocket

// A WebSocket server that sends back what it gets, for programs that try the protocol out: `./dev autobahn` and the
// tests' Python client. Prints its port, and ends when its standard input does.
//
// usage: websocket-echo [port]

/// Sends back each message of one client.
enum Echo {
    static func serve(_ stream: TCPStream, _ ahead: [UInt8]) {
        var configuration = WebSocketConnection.Configuration()
        // The suite sends messages of 16 MiB and expects all of them back.
        configuration.maxMessageBytes = 64 << 20
        configuration.maxReceivedBytes = nil
        weak var known: WebSocketConnection?
        let connection = WebSocketConnection(stream, configuration) { message in
            for frame in WebSocketFrame.message(message.bytes, isText: message.isText, upTo: .max) {
                known?.send(frame)
            }
        }
        known = connection
        connection.start(ahead: ahead)
    }
}

guard let port = CommandLine.arguments.count > 1 ? UInt16(CommandLine.arguments[1]) : 0 else {
    FileHandle.standardError.write(Data("usage: websocket-echo [port]\n".utf8))
    exit(64)  // EX_USAGE
}
let group = EventLoopGroup(count: 1)
var router = Router()
router.on(.get, "/") { try WebSocketHandshake($0).makeResponse(Echo.serve) }
var configuration = HTTPServerConfiguration()
configuration.port = port
let server = HTTPServer(configuration, group: group, router: router)
FileHandle.standardOutput.write(Data("\(try await server.start())\n".utf8))
await Task.detached { while readLine() != nil {} }.value
await server.drain(within: .zero)
group.shutdown()
