import Contracts
import EventOutbox
import Foundation
import Observability
import Provisioning

/// Takes workspaces offline whose container is gone, and has them restarted. An unknown state counts as running.
package struct ContainerHealthPass: SweepPass {
    /// Concurrent queries of the engine, and queries of one run; the next run continues.
    private static let concurrency = 8
    private static let limit = 500
    /// The deadline of all queries: an older result would be stale when it is acted upon.
    private static let queryTimeout: Duration = .seconds(15)

    package let name = "container-health"
    package let interval: Duration = .seconds(ContainerHealthRule.interval)
    private let provisioner: any Provisioner
    private let store: ContainerHealthStore
    private let leases: LeaseStore
    private let relay: EventRelay
    private let wake: @Sendable () -> Void
    private let holds: Gauge
    private let period: TimeInterval
    private let logger: Logger

    /// - Parameters:
    ///   - wake: called when there are new jobs.
    ///   - holds: set to 1 while the pass limits the number of workspaces.
    ///   - period: the initial hold in seconds, the same as the liveness timeout.
    package init(
        provisioner: any Provisioner, store: ContainerHealthStore, leases: LeaseStore, relay: EventRelay,
        wake: @escaping @Sendable () -> Void, holds: Gauge, period: TimeInterval, logger: Logger
    ) {
        self.provisioner = provisioner
        self.store = store
        self.leases = leases
        self.relay = relay
        self.wake = wake
        self.holds = holds
        self.period = period
        self.logger = logger
    }

    package func run() async throws -> [String: Int] {
        try await leases.holding(name) { try await sweep() } ?? [:]
    }

    private func sweep() async throws -> [String: Int] {
        let (expected, time) = try await store.expected()
        guard !expected.isEmpty else { return [:] }
        let missing = ContainerHealthRule.missing(expected, among: try await provisioner.listManaged())
        // At random, so that those with an unknown state do not block the others.
        let (gone, unknown) = await inspect(missing.shuffled().prefix(Self.limit))
        let decision = try await store.decide(gone: missing.count - unknown, of: expected.count, period: period)
        holds.set(decision.isHeld ? 1 : 0)
        if decision.isHeld {
            logger.warning(
                "much of the fleet has no container, holding back",
                [.count: .int(missing.count - unknown), .limit: .int(decision.limit)])
        }
        let lost = try await markOffline(Array(gone.prefix(decision.limit)), time, decision.silence)
        return ["offline": lost, "unknown": unknown]
    }

    private func inspect(_ workspaces: some Collection<UUID>) async -> (gone: [UUID], unknown: Int) {
        var rest = workspaces.makeIterator()
        let deadline = ContinuousClock.now + Self.queryTimeout
        return await withTaskGroup(of: (UUID, RunningState).self) { group in
            let provisioner = provisioner
            for _ in 0..<Self.concurrency {
                guard let id = rest.next() else { break }
                group.addTask { (id, await provisioner.isRunning(id)) }
            }
            var (gone, unknown): ([UUID], Int) = ([], 0)
            for await (id, state) in group {
                if let error = state.error {
                    unknown += 1
                    logger.debug("container state unknown", [.workspaceID: .uuid(id), .error: .error(error)])
                } else if !state.isRunning {
                    gone.append(id)
                }
                if .now < deadline, let next = rest.next() {
                    group.addTask { (next, await provisioner.isRunning(next)) }
                }
            }
            return (gone.sorted { $0.uuidString < $1.uuidString }, unknown)
        }
    }

    private func markOffline(_ gone: [UUID], _ time: Date, _ silence: Double) async throws -> Int {
        guard !gone.isEmpty else { return 0 }
        let events = try await store.markOffline(gone, seenAt: time, silence: silence)
        relay.committed(events)
        let lost = events.compactMap(\.event.subject)
        guard !lost.isEmpty else { return 0 }
        for id in lost { logger.warning("container is gone", [.workspaceID: .uuid(id)]) }
        wake()
        return lost.count
    }
}
