import Contracts
import Observability
import ServiceLifecycle
import Synchronization
import UVLoop

/// Follows the log for the hub: reads when an event of the broker signals new entries, and polls every second, so that
/// a broker outage costs a second of latency and no event.
///
/// It reads only entries that no open transaction can precede. A long transaction, in any database of the server,
/// delays all streams: the lag is measured and logged.
final class LogFollower: GracefulService {
    private static let interval: Duration = .seconds(1)
    /// The interval of lag measurements, each of which is a query.
    private static let measureInterval: Duration = .seconds(5)
    /// The lag at which a warning is logged.
    private static let warningLag: Duration = .seconds(30)

    let name = "log-follower"
    private let log: EventLog
    private let hub: EventHub
    private let positions: TreePositionCache
    private let streams: OpenStreams
    private let loop: EventLoop
    private let logger: Logger
    /// The age in seconds of the first event that cannot be published yet; 0 when there is none.
    private let lag: Gauge
    private let readFailures: RepeatedWarning
    private let wakes = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    init(
        log: EventLog, hub: EventHub, positions: TreePositionCache, streams: OpenStreams, loop: EventLoop,
        logger: Logger, metrics: MetricsRegistry
    ) {
        lag = metrics.gauge(
            "switchyard_stream_log_lag_seconds",
            "Age of the oldest durable event that waits for an open transaction.")
        self.log = log
        self.hub = hub
        self.positions = positions
        self.streams = streams
        self.loop = loop
        self.logger = logger
        readFailures = RepeatedWarning("the log of events cannot be read, streams are stalled", logger)
    }

    /// Signals new entries.
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
        var (checked, measured): (ContinuousClock.Instant?, ContinuousClock.Instant) = (nil, .now)
        var timeline: String?
        for await _ in wakes.stream {
            do {
                if checked.map({ .now - $0 >= Self.interval }) ?? true {
                    timeline = try await restartIfReplaced(since: timeline)
                    checked = .now
                }
                try await readNew()
                guard ContinuousClock.now - measured >= Self.measureInterval else { continue }
                measured = .now
                try await measureLag()
            } catch {
                readFailures.log([.error: .string("\(error)")])
            }
        }
    }

    /// Starts at the log's end: for the first time, or when the database was restored or failed over to a replica,
    /// which may have lagged. New entries may be before the positions of the hub and its viewers then; so all streams
    /// are closed, and clients that resume get a reset.
    ///
    /// - Parameter timeline: the server's at the previous call.
    /// - Returns: the current one.
    private func restartIfReplaced(since timeline: String?) async throws -> String? {
        let (current, end) = (try await log.timeline(), try await log.end())
        let wasRestored = try await log.repairRestored()
        guard let position = hub.position else {
            hub.begin(at: end)
            return current
        }
        let isOther = timeline != nil && current != nil && current != timeline
        guard wasRestored || isOther || end < position else { return current ?? timeline }
        logger.warning("the log of events was replaced, all streams are restarted")
        hub.begin(at: end)
        streams.endAll()
        return current ?? timeline
    }

    private func readNew() async throws {
        guard var position = hub.position else { return }
        while true {
            let page = try await log.read(after: position)
            guard let end = page.end else { return }
            position = end
            // In the log's order, so that positions of moved workspaces are loaded again.
            for entry in page.entries { positions.invalidate(by: entry.event) }
            var isPublished = false
            while !isPublished {
                let agents = hub.agents
                let found = try await positions.find(of: page.entries.map(\.event), for: agents)
                isPublished = await hub.publish(page.entries, upTo: position, found, covering: agents)
            }
            if page.isLast { return }
        }
    }

    private func measureLag() async throws {
        guard let position = hub.position else { return }
        let age = try await log.age(after: position)
        lag.set(age / .seconds(1))
        guard age >= Self.warningLag else { return }
        logger.warning("event streams wait for an open transaction", [.durationMilliseconds: .milliseconds(age)])
    }
}
