import HTTPCore
import UVHTTPServer
import UVLoop

/// Requests that no server has read.
enum Requests {
    private static let loops = EventLoopGroup(count: 1)

    static func make(
        _ method: HTTPMethod = .get, _ target: String = "/", headers: HTTPHeaders = [:], body: String = ""
    ) -> Request {
        Request(
            method: method, target: target, headers: headers, body: .bytes(Array(body.utf8)), loop: loops.any())
    }
}
