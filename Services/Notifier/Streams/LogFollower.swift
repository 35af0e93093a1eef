import EventLoop
import Observability
import ServiceLifecycle
import Synchronization

/// Follows the log for the hub: reads on when an event of the broker says that there is more, and every second anyway,
/// so that a broker outage costs a second and no event.
final class LogFollower: GracefulService {
    private static let interval: Duration = .seconds(1)

    let name = "log-follower"
    private let log: EventLog
    private let hub: EventHub
    private let loop: EventLoop
    private let logger: Logger
    private let wakes = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    init(log: EventLog, hub: EventHub, loop: EventLoop, logger: Logger) {
        self.log = log
        self.hub = hub
        self.loop = loop
        self.logger = logger
    }

    /// There is more to read.
    func wake() {
        wakes.continuation.yield()
    }

    func run(until shutdown: ShutdownSignal) async throws {
        shutdown.onShutdown { [hub, wakes] in
            hub.endAll()
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
        for await _ in wakes.stream {
            do {
                try await readOn()
            } catch {
                logger.debug("log not read", [.error: .string("\(error)")])
            }
        }
    }

    private func readOn() async throws {
        guard var position = hub.position else {
            hub.pass([], upTo: try await log.end())
            return
        }
        while true {
            let entries = try await log.read(after: position)
            guard let last = entries.last else { return }
            position = last.position
            hub.pass(entries, upTo: position)
            if entries.count < EventLog.page { return }
        }
    }
}
