import Foundation
import HTTPCore
import JSONBytes
import Observability
import Synchronization
import UVHTTPServer
import UVLoop

/// Serves A2A requests: the agent card, `message/send` and `message/stream`.
///
/// Work that has begun goes on when the caller disconnects: the platform stores that the outcome is unknown, and a task
/// that is cancelled half way would be worse than one whose outcome is not reported.
final class A2AServer: Sendable {
    static let bodyLimit = 10 << 20

    typealias Work = @Sendable (A2AMessage, @escaping ProgressSink) async throws -> AgentReply
    typealias ProgressSink = @Sendable (String) async -> Void

    let activity: AgentActivity
    let logger: Logger
    private let card: Mutex<AgentCard>
    private let work: Work
    private let onCapacity: @Sendable () -> Void

    /// - Parameters:
    ///   - work: handles a message and returns the reply.
    ///   - onCapacity: called when a task ends and frees a slot for which a message was refused.
    init(
        card: AgentCard, activity: AgentActivity, logger: Logger, onCapacity: @escaping @Sendable () -> Void,
        work: @escaping Work
    ) {
        self.card = Mutex(card)
        self.activity = activity
        self.logger = logger
        self.onCapacity = onCapacity
        self.work = work
    }

    /// Sets the agent's URL, once the port is known.
    func setURL(_ url: String) { card.withLock { $0.url = url } }

    var currentCard: AgentCard { card.withLock { $0 } }

    func addRoutes(to router: inout Router) {
        // Older clients request the second path.
        for path in ["/.well-known/agent-card.json", "/.well-known/agent.json"] {
            router.on(.get, path) { _ in Response.json(bytes: self.currentCard.json) }
        }
        let options = RouteOptions(maxBodyBytes: Self.bodyLimit)
        router.on(.post, "/", options: options) { request in try await self.handle(request) }
    }

    private func handle(_ request: Request) async throws -> Response {
        let body = try await request.body.collect(upTo: Self.bodyLimit)
        let rpc: RPCRequest
        do throws(AgentError) {
            rpc = try RPCRequest(body)
        } catch {
            return Self.failed(nil, error)
        }
        switch rpc.method {
        case "message/send", "message/stream": return await take(rpc, request)
        case "tasks/get", "tasks/cancel", "tasks/resubscribe": return Self.failed(rpc.id, .unknownTask)
        default: return Self.failed(rpc.id, .unknownMethod)
        }
    }

    private func take(_ rpc: RPCRequest, _ request: Request) async -> Response {
        guard let object = rpc.message, object["parts"]?.elements != nil else {
            return Self.failed(rpc.id, .invalidParameters)
        }
        let message = A2AMessage(
            object, deliveryAttempt: request.headers["X-Delivery-Attempt"].flatMap { Int($0) },
            traceparent: request.headers["traceparent"])
        guard let slot = activity.begin(message.text) else { return Self.busy }
        let exchange = RPCResponse.Exchange(
            rpcID: rpc.id, taskID: message.taskID ?? UUID().uuidString.lowercased(),
            contextID: message.contextID ?? UUID().uuidString.lowercased())
        if rpc.method == "message/stream" { return stream(exchange, message, slot, on: request.loop) }
        switch await start(message, slot, on: request.loop, progress: { _ in }).value {
        case .success(let reply): return .json(bytes: RPCResponse.message(exchange, reply))
        case .failure(let error): return Self.failed(rpc.id, error)
        }
    }

    /// Runs the work in a task of its own, which is not cancelled when the caller disconnects.
    func start(
        _ message: A2AMessage, _ slot: Int, on loop: EventLoop, progress: @escaping ProgressSink
    ) -> Task<Result<AgentReply, AgentError>, Never> {
        Task(executorPreference: loop) { [self] in
            do {
                let reply = try await work(message, progress)
                end(slot, error: nil)
                return .success(reply)
            } catch {
                logger.info("the handler of a message failed", [.error: .error(error)])
                let shown = AgentError(describing: error)
                end(slot, error: shown.message)
                return .failure(shown)
            }
        }
    }

    private func end(_ slot: Int, error: String?) {
        if activity.finish(slot, error: error) { onCapacity() }
    }

    /// JSON-RPC errors are responses with HTTP status 200.
    private static func failed(_ id: [UInt8]?, _ error: AgentError) -> Response {
        .json(bytes: RPCResponse.error(id, error))
    }

    /// Without `Retry-After`, which would be a guess: the heartbeat that follows the end of a task tells the platform
    /// that the agent has capacity again.
    private static var busy: Response { APIError(.serviceUnavailable, "agent busy").response }
}
