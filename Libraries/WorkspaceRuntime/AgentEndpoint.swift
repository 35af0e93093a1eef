import HTTPCore
import UVHTTPServer

/// A route of the agent's own port beside the A2A ones, for instance to control it from outside. It is not protected:
/// anyone who can connect to the port may call it.
public struct AgentEndpoint: Sendable {
    /// Takes the request's body and returns the JSON of the response.
    public typealias Handler = @Sendable (_ body: [UInt8], _ agent: WorkspaceAgent) async throws -> [UInt8]

    /// For instance `POST`.
    public var method: String
    /// Begins with a slash.
    public var path: String
    /// An ``AgentError`` that it throws becomes a 500 with its message.
    public var handler: Handler

    /// - Parameters:
    ///   - method: for instance `POST`.
    ///   - path: begins with a slash.
    ///   - handler: takes the request's body and returns the JSON of the response.
    public init(_ method: String, _ path: String, handler: @escaping Handler) {
        self.method = method
        self.path = path
        self.handler = handler
    }

    func add(to router: inout Router, of agent: WorkspaceAgent) {
        let handler = handler
        router.on(HTTPMethod(method), path) { request in
            let body = try await request.body.collect(upTo: 1 << 20)
            do {
                return .json(bytes: try await handler(body, agent))
            } catch let error as AgentError {
                return .error(.internalServerError, error.message)
            }
        }
    }
}
