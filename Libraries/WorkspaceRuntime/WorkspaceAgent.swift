import Foundation
import HTTPCore
import JSONBytes
import Observability
import ServiceLifecycle
import Synchronization
import UVHTTPServer
import UVLoop

/// A complete agent: it listens for A2A messages, registers with a platform, sends heartbeats, and collects the
/// results of what it delegated.
///
///     let agent = WorkspaceAgent(configuration) { message, context in "echo: \(message.text)" }
///     exit(await agent.run())
public final class WorkspaceAgent: Sendable {
    /// Handles a message and returns the reply. Must not block its loop; an ``AgentError`` it throws is the reply.
    public typealias Handler = @Sendable (A2AMessage, AgentContext) async throws -> AgentReply

    /// The agent's configuration.
    public let configuration: AgentConfiguration
    /// The client for the platform.
    public let platform: PlatformClient
    /// The wedge state of this process.
    public let wedge: RuntimeWedge

    private let group: EventLoopGroup
    private let activity: AgentActivity
    private let endpoints: [AgentEndpoint]
    private let handler: Handler
    private let logger: Logger
    private let running = Mutex<Running?>(nil)

    private struct Running {
        let port: UInt16
        let server: HTTPServer
        let heartbeats: HeartbeatLoop
        let heartbeatTask: Task<Void, Never>
    }

    /// - Parameters:
    ///   - configuration: identity of the agent, and its platform.
    ///   - wedge: the wedge state; usually the shared one of the process.
    ///   - endpoints: routes beside the A2A ones.
    ///   - handler: handles messages.
    public convenience init(
        _ configuration: AgentConfiguration, wedge: RuntimeWedge = .shared, endpoints: [AgentEndpoint] = [],
        handler: @escaping Handler
    ) {
        let level = LogLevel.fromEnvironment(ProcessInfo.processInfo.environment)
        let logger = Logger(service: "agent", level: level).with([.workspaceID: .uuid(configuration.workspaceID)])
        self.init(
            configuration, wedge: wedge, endpoints: endpoints, group: EventLoopGroup(count: 1), logger: logger,
            handler: handler)
    }

    package init(
        _ configuration: AgentConfiguration, wedge: RuntimeWedge, endpoints: [AgentEndpoint] = [],
        group: EventLoopGroup, logger: Logger, handler: @escaping Handler
    ) {
        self.configuration = configuration
        self.wedge = wedge
        self.endpoints = endpoints
        self.group = group
        self.logger = logger
        self.handler = handler
        activity = AgentActivity(maxConcurrentTasks: configuration.maxConcurrentTasks)
        platform = PlatformClient(
            workspaceID: configuration.workspaceID, platformURL: configuration.platformURL,
            auth: PlatformAuth(configsDirectory: configuration.configsDirectory),
            registrationToken: configuration.registrationToken, group: group, logger: logger)
    }

    // MARK: - Life

    /// Listens, registers, and sends a heartbeat at once and then every interval. The platform need not be up yet.
    ///
    /// - Returns: the port it listens on.
    /// - Throws: when the port cannot be listened on.
    @discardableResult
    public func start() async throws -> UInt16 {
        let a2a = A2AServer(
            card: configuration.card, activity: activity, logger: logger,
            onCapacity: { [weak self] in self?.scheduleHeartbeat() },
            work: { message, progress in
                try await self.handler(message, AgentContext(agent: self, sink: progress))
            })
        let server = HTTPServer(serverConfiguration, group: group, router: router(a2a), logger: logger)
        let port = try await server.start()
        a2a.setURL(configuration.agentURL ?? "http://localhost:\(port)")
        logger.info("listening", [.port: .int(Int(port))])
        let heartbeats = makeHeartbeats(a2a)
        let heartbeatTask = Task(executorPreference: group.loops[0]) { await heartbeats.run() }
        running.withLock {
            $0 = Running(port: port, server: server, heartbeats: heartbeats, heartbeatTask: heartbeatTask)
        }
        wedge.onChange { [weak heartbeats] in heartbeats?.scheduleHeartbeat() }
        return port
    }

    /// Stops taking messages, finishes those in flight, and stops the heartbeats.
    public func stop() async {
        let stopped = running.withLock { running in
            defer { running = nil }
            return running
        }
        guard let stopped else { return }
        await stopped.server.drain(within: configuration.shutdownGrace)
        stopped.heartbeatTask.cancel()
        await stopped.heartbeatTask.value
        platform.close()
    }

    /// Runs until `SIGTERM` or `SIGINT`.
    ///
    /// - Returns: the process's exit code.
    public func run() async -> Int32 {
        let service = ServiceFunction("agent") { shutdown in
            try await self.start()
            await shutdown.wait()
            await self.stop()
        }
        let grace = configuration.shutdownGrace + .seconds(2)
        return await ServiceGroup(services: [service], grace: grace, logger: logger).run()
    }

    // MARK: - For handlers

    /// The port it listens on; nil while it does not.
    public var port: UInt16? { running.withLock { $0?.port } }

    /// Whether the agent is registered and its last heartbeat succeeded.
    public var isOnline: Bool { running.withLock { $0?.heartbeats }?.isOnline ?? false }

    /// Messages being handled.
    public var activeTasks: Int { activity.activeTasks }

    /// While true, every message is refused with 503. Heartbeats go on.
    public var refusesMessages: Bool {
        get { activity.refusesAll }
        set { activity.refusesAll = newValue }
    }

    /// Sends a heartbeat as soon as possible without waiting for it.
    public func scheduleHeartbeat() { running.withLock { $0?.heartbeats }?.scheduleHeartbeat() }

    /// Sends a heartbeat now.
    ///
    /// - Returns: whether the platform received it.
    public func sendHeartbeat() async -> Bool { await running.withLock { $0?.heartbeats }?.sendHeartbeat() ?? false }

    /// Waits without holding a thread.
    ///
    /// - Throws: `CancellationError` when the task is cancelled.
    public func sleep(for duration: Duration) async throws { try await group.any().sleep(for: duration) }

    // MARK: - Composition

    private var serverConfiguration: HTTPServerConfiguration {
        var server = HTTPServerConfiguration()
        server.host = configuration.host
        server.port = configuration.port
        return server
    }

    private func router(_ a2a: A2AServer) -> Router {
        var router = Router()
        a2a.addRoutes(to: &router)
        router.on(.get, "/health") { _ in .json { $0.member("status", "ok") } }
        router.on(.get, "/ready") { _ in
            self.isOnline ? .json { $0.member("status", "ok") } : .error(.serviceUnavailable, "not registered")
        }
        for endpoint in endpoints { endpoint.add(to: &router, of: self) }
        return router
    }

    private func makeHeartbeats(_ a2a: A2AServer) -> HeartbeatLoop {
        let file = configuration.delegationResultsFile ?? configuration.configsDirectory + "/delegation_results.jsonl"
        let results = DelegationResults(
            platform: platform, file: DelegationResultsFile(path: file), loop: group.loops[0], logger: logger)
        return HeartbeatLoop(
            platform: platform, activity: activity, wedge: wedge, interval: configuration.heartbeatInterval,
            registration: { (a2a.currentCard.url, a2a.currentCard) }, metadata: configuration.metadata,
            results: results, loop: group.loops[0], logger: logger)
    }
}

/// The context of a handler while it handles a message.
public struct AgentContext: Sendable {
    /// The agent itself.
    public let agent: WorkspaceAgent
    let sink: A2AServer.ProgressSink

    /// The platform.
    public var platform: PlatformClient { agent.platform }

    /// Reports progress to a streaming caller; others get the reply alone.
    public func progress(_ text: String) async { await sink(text) }
}
