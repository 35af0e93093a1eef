import ActivityFeed
import AMQP
import Configuration
import Contracts
import EventOutbox
import Lifecycle
import Observability
import PlatformInternals
import ServiceHost
import UVHTTPClient
import UVHTTPServer

/// Accepts messages for agents, delivers them, and queues those that cannot be delivered yet.
package enum A2AProxyService: HostedService {
    package static let name = ServiceName.a2aProxy

    package static func settings(_ reader: ConfigurationReader) -> A2AProxySettings {
        A2AProxySettings(reader)
    }

    package static func assemble(_ context: ServiceContext, _ settings: A2AProxySettings) throws -> ServiceParts {
        let parts = Parts(context, settings)
        var router = Router()
        let running = RunningSends(
            postgres: context.postgres, loops: context.loops, instance: context.instance, logger: context.logger)
        let sends = IdempotentSends(postgres: context.postgres, forwarder: parts.forwarder, running: running)
        MessageRoutes(authenticator: context.authenticator, sends: sends).add(to: &router)
        JSONRPCRoutes(
            authenticator: context.authenticator, router: parts.router, sends: sends, queue: parts.queue,
            relay: context.relay, targets: parts.targetStore, platformURL: context.configuration.platformURL
        ).add(to: &router)
        QueueRoutes(
            authenticator: context.authenticator, store: parts.queue, relay: context.relay, drain: parts.drain,
            contexts: parts.contexts
        ).add(to: &router)
        FleetQueueRoutes(
            authenticator: context.authenticator, store: FleetQueueStore(queue: parts.queue), relay: context.relay,
            drain: parts.drain, contexts: parts.contexts
        ).add(to: &router)
        DelegationRoutes(
            authenticator: context.authenticator, router: parts.router,
            store: DelegationStore(postgres: context.postgres, source: context.source), queue: parts.queue,
            drain: parts.drain, relay: context.relay, recorder: parts.recorder, waker: parts.forwarder.waker,
            logger: context.logger
        ).add(to: &router)
        invalidate(context, parts.targets, parts.contexts)
        return ServiceParts(router: router, services: try [running, parts.service] + consumers(context, parts.drain))
    }

    /// Invalidates the cached targets that an event has changed.
    private static func invalidate(_ context: ServiceContext, _ targets: TargetCache, _ contexts: QueuedContextIndex) {
        context.invalidation.register(
            event: { event in
                guard let id = event.subject else { return }
                if event.kind == .a2aContextWaiting {
                    contexts.note(id)
                } else if event.changesParent {
                    targets.forgetSubtree(of: id)
                } else {
                    targets.forget(id)
                }
            },
            gap: {
                targets.forgetAll()
                contexts.forget()
            })
    }

    private static func consumers(_ context: ServiceContext, _ drain: Drain) throws -> [EventConsumer] {
        [
            try context.consume(Topology.heartbeats, prefetch: 16) { events in
                drain.wake(DrainTriggers.withRoom(events), because: .hint)
                return .done
            },
            try context.consume(Topology.drain, prefetch: 64) { events in
                drain.wake(DrainTriggers.concerned(events), because: .hint)
                return .done
            },
        ]
    }
}

/// The parts of the proxy, in dependency order.
private struct Parts {
    let targetStore: TargetStore
    let targets: TargetCache
    let router: MessageRouter
    let queue: QueueStore
    let contexts: QueuedContextIndex
    let recorder: CallRecorder
    let forwarder: Forwarder
    let drain: Drain
    let service: DrainService

    init(_ context: ServiceContext, _ settings: A2AProxySettings) {
        let (logger, relay, loops) = (context.logger, context.relay, context.loops)
        let metrics = ProxyMetrics(context.metrics)
        let calls = CallsInFlight(
            callLimit: settings.callLimit, byteLimit: settings.callBytes, gauge: metrics.callsInFlight)
        targetStore = TargetStore(postgres: context.postgres)
        targets = TargetCache(store: targetStore)
        router = MessageRouter(targets: targets)
        queue = QueueStore(postgres: context.postgres, source: context.source)
        contexts = QueuedContextIndex(store: queue, broadcast: context.broadcast)
        let agents = AgentClient(
            client: makeClient(context, settings),
            liveness: LivenessReader(tracker: context.livenessTracker, redis: context.redis, store: targetStore),
            settings: settings, budget: ResponseMemoryBudget(bytes: settings.responseBudget), metrics: metrics)
        let writer = ActivityWriter(
            store: ActivityLogStore(postgres: context.postgres), broadcast: context.broadcast, loops: loops,
            metrics: metrics, logger: logger)
        recorder = CallRecorder(
            activity: settings.activity, writer: writer, targets: targetStore, broadcast: context.broadcast)
        let waker = WorkspaceWaker(
            lifecycle: LifecycleStore(postgres: context.postgres, source: context.source), relay: relay,
            targets: targetStore)
        forwarder = Forwarder(
            router: router, agents: agents, enqueuer: Enqueuer(store: queue, relay: relay, metrics: metrics),
            contexts: contexts, recorder: recorder, waker: waker, calls: calls, settings: settings, metrics: metrics,
            logger: logger)
        let deliverer = QueueDeliverer(
            router: router, agents: agents,
            finisher: OutcomeWriter(store: queue, relay: relay, loops: loops, logger: logger), recorder: recorder,
            waker: waker, calls: calls, settings: settings, metrics: metrics, logger: logger)
        drain = Drain(
            store: queue, deliverer: deliverer, relay: relay, loops: loops, instance: context.instance,
            settings: settings,
            metrics: metrics, logger: logger)
        service = DrainService(
            drain: drain, deliverer: deliverer, store: queue, contexts: contexts, writer: writer, recorder: recorder,
            calls: calls, waker: waker, loops: loops, instance: context.instance, settings: settings, metrics: metrics,
            logger: logger)
    }
}

/// The HTTP client for agents, which applies the policy to every address that it connects to.
private func makeClient(_ context: ServiceContext, _ settings: A2AProxySettings) -> HTTPClient {
    let policy = ForwardingAddressPolicy(mode: context.configuration.deployment)
    let logger = context.logger
    var configuration = HTTPClientConfiguration()
    configuration.connectTimeout = settings.connectTimeout
    configuration.maxConnectionsPerHost = settings.connectionsPerHost
    return HTTPClient(group: context.loops, configuration: configuration) { address, request in
        let isProvisioned = request.policyClass == AgentClient.provisionedClass
        guard let reason = policy.refusal(of: address, isProvisioned: isProvisioned) else { return .allowed }
        logger.warning("address refused", [.host: .string(request.url.host), .reason: .string(reason)])
        return .refused(reason: reason)
    }
}
