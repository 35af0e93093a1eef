import Contracts
import EventLoop
import Observability
import ServiceLifecycle
import Synchronization

/// Follows the log for the hub: reads on when an event of the broker says that there is more, and every second anyway,
/// so that a broker outage costs a second and no event.
///
/// It reads only what no open transaction can come before. One that stays open, in any database of the server, holds
/// all streams back: how long is measured, and logged.
final class LogFollower: GracefulService {
    private static let interval: Duration = .seconds(1)
    /// How often the lag is measured: a query each time.
    private static let measuring: Duration = .seconds(5)
    /// A lag that an operator should look into.
    private static let remarkable: Duration = .seconds(30)

    let name = "log-follower"
    private let log: EventLog
    private let hub: EventHub
    private let positions: TreePositionCache
    private let streams: OpenStreams
    private let loop: EventLoop
    private let logger: Logger
    /// Seconds that the first event which cannot be passed on yet has been there; 0 when there is none.
    private let lag: Gauge
    private let unread: RepeatedWarning
    private let wakes = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    init(
        log: EventLog, hub: EventHub, positions: TreePositionCache, streams: OpenStreams, loop: EventLoop,
        logger: Logger, metrics: MetricsRegistry
    ) {
        lag = metrics.gauge(
            "switchyard_stream_log_lag_seconds",
            "How long the oldest durable event has waited for a transaction that is still open.")
        self.log = log
        self.hub = hub
        self.positions = positions
        self.streams = streams
        self.loop = loop
        self.logger = logger
        unread = RepeatedWarning("the log of events is not read, streams stand still", logger)
    }

    /// There is more to read.
    func wake() {
        wakes.continuation.yield()
    }

    func run(until shutdown: ShutdownSignal) async throws {
        shutdown.onShutdown { [streams, wakes] in
            streams.endAll()
            wakes.continuation.finish()
        }
        let ticker = Task(executorPreference: loop) { [loop, wakes] in
            while !Task.isCancelled {
                try await loop.sleep(for: Self.interval)
                wakes.continuation.yield()
            }
        }
        defer { ticker.cancel() }
        wake()
        var (looked, measured): (ContinuousClock.Instant?, ContinuousClock.Instant) = (nil, .now)
        var timeline: String?
        for await _ in wakes.stream {
            do {
                if looked.map({ .now - $0 >= Self.interval }) ?? true {
                    timeline = try await beginIfNew(since: timeline)
                    looked = .now
                }
                try await readOn()
                guard ContinuousClock.now - measured >= Self.measuring else { continue }
                measured = .now
                try await measureLag()
            } catch {
                unread.note([.error: .string("\(error)")])
            }
        }
    }

    /// Begins at the log's end: for the first time, or when the database was restored or a replica has taken over, which
    /// may have been behind. What is written then need not be behind the place of the hub, or of its viewers, for long; so
    /// they begin anew, and are told what is missing.
    ///
    /// - Parameter timeline: of the server when this was called last.
    /// - Returns: what it is now.
    private func beginIfNew(since timeline: String?) async throws -> String? {
        let (current, end) = (try await log.timeline(), try await log.end())
        let wasRestored = try await log.adoptRestored()
        guard let position = hub.position else {
            hub.begin(at: end)
            return current
        }
        let isOther = timeline != nil && current != nil && current != timeline
        guard wasRestored || isOther || end < position else { return current ?? timeline }
        logger.warning("the log of events was replaced, streams begin anew")
        hub.begin(at: end)
        streams.endAll()
        return current ?? timeline
    }

    private func readOn() async throws {
        guard var position = hub.position else { return }
        while true {
            let page = try await log.read(after: position)
            guard let end = page.end else { return }
            position = end
            // In the log's order: who was moved in it is looked up where it went.
            for entry in page.entries { positions.invalidate(by: entry.event) }
            var isPassed = false
            while !isPassed {
                let agents = hub.agents
                let found = try await positions.find(of: page.entries.map(\.event), for: agents)
                isPassed = await hub.pass(page.entries, upTo: position, found, knowing: agents)
            }
            if page.isLast { return }
        }
    }

    private func measureLag() async throws {
        guard let position = hub.position else { return }
        let age = try await log.age(after: position)
        lag.set(age / .seconds(1))
        guard age >= Self.remarkable else { return }
        logger.warning("event streams wait for an open transaction", [.durationMilliseconds: .milliseconds(age)])
    }
}
