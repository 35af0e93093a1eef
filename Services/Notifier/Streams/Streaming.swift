import Contracts
import EventOutbox
import PlatformInternals
import ServiceHost
import ServiceLifecycle
import UVHTTPServer
import UVLoop

/// Assembles the parts of event streams: log, broker consumer, hub and open streams.
struct Streaming: Sendable {
    let memory: StreamMemory
    let opening: StreamOpening
    let services: [any Service]

    init(_ context: ServiceContext, _ settings: NotifierService.Settings) throws {
        let memory = StreamMemory(limit: settings.streamBytes)
        let hub = EventHub(loops: context.loops.loops, memory: memory, metrics: context.metrics)
        let log = EventLog(postgres: context.postgres)
        let positions = TreePositionCache(postgres: context.postgres)
        let streams = OpenStreams(authenticator: context.authenticator)
        let follower = LogFollower(
            log: log, hub: hub, positions: positions, streams: streams, loop: context.loops.next(),
            logger: context.logger, metrics: context.metrics)
        let consumer = try context.consume(Topology.notifications(instance: context.instance), prefetch: 500) {
            events in
            // A durable event only signals that the log has new entries; transient ones are published directly.
            if events.contains(where: { $0.sequence != nil }) { follower.wake() }
            let transient = events.filter { $0.sequence == nil }
            // Without positions in the tree, events go to operators alone.
            await hub.publish(transient: transient) { try? await positions.find(of: transient, for: $0) }
            return .done
        }
        context.invalidation.register(
            event: { event in
                positions.invalidate(by: event)
                if let owner = event.revokedOwner { streams.recheck(owner) }
            },
            gap: {
                positions.invalidateAll()
                streams.recheck(.anyone)
            })
        self.memory = memory
        let slots = CallerQuota(total: settings.streams) { caller in
            caller.isWorkspace ? settings.streamsPerWorkspace : settings.streams
        }
        opening = StreamOpening(
            slots: slots, streams: streams,
            replay: StreamReplay(log: log, hub: hub, positions: positions, events: memory),
            authenticator: context.authenticator)
        services = [follower, consumer]
    }
}
