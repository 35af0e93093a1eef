import HTTPCore
import JSONBytes
import UVHTTPServer
import UVLoop

/// An agent in this process that responds to every message and does nothing else.
struct RespondingAgent: Sendable {
    private static let response = Array(#"{"jsonrpc":"2.0","id":"1","result":{"parts":[]}}"#.utf8)

    let url: String
    private let group: EventLoopGroup
    private let server: HTTPServer

    static func start() async throws -> RespondingAgent {
        let group = EventLoopGroup(count: 1)
        var router = Router()
        router.on(.post, "/") { _ in .json(bytes: response) }
        let server = HTTPServer(group: group, router: router)
        let port = try await server.start()
        return RespondingAgent(url: "http://localhost:\(port)/", group: group, server: server)
    }

    func stop() async {
        await server.drain(within: .seconds(1))
        group.shutdown()
    }
}
