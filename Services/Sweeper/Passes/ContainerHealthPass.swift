import Contracts
import EventOutbox
import Foundation
import Observability
import Provisioning
import RedisClient

/// Takes workspaces offline whose container is gone, and has them started anew. What an engine does not say for certain
/// counts as running.
struct ContainerHealthPass: SweepPass {
    /// Questions to the engine at the same time, and in one run: what is left over is asked at the next.
    private static let width = 8
    private static let limit = 500

    let name = "container-health"
    let interval: Duration = .seconds(15)
    let provisioner: any Provisioner
    let store: ContainerHealthStore
    let leases: LeaseStore
    let relay: EventRelay
    /// There are new jobs.
    let wake: @Sendable () -> Void
    let redis: RedisClient
    let logger: Logger

    func run() async throws -> [String: Int] {
        try await leases.holding(name) { try await sweep() } ?? [:]
    }

    private func sweep() async throws -> [String: Int] {
        let (expected, time) = try await store.expected()
        guard !expected.isEmpty else { return [:] }
        let missing = ContainerHealthRule.missing(expected, among: try await provisioner.listManaged())
        // At random: those for which the engine has no word must not stand before the others for ever.
        let (gone, unknown) = await ask(missing.shuffled().prefix(Self.limit))
        let silence = ContainerHealthRule.requiredSilence(gone: gone.count, of: expected.count)
        if silence > 0, !gone.isEmpty {
            logger.warning("much of the fleet has no container", [.count: .int(gone.count)])
        }
        let lost = try await lose(gone, time, silence)
        return ["offline": lost, "unknown": unknown]
    }

    private func ask(_ workspaces: some Collection<UUID>) async -> (gone: [UUID], unknown: Int) {
        var rest = workspaces.makeIterator()
        return await withTaskGroup(of: (UUID, RunningState).self) { group in
            let provisioner = provisioner
            for _ in 0..<Self.width {
                guard let id = rest.next() else { break }
                group.addTask { (id, await provisioner.isRunning(id)) }
            }
            var (gone, unknown): ([UUID], Int) = ([], 0)
            for await (id, state) in group {
                if let error = state.error {
                    unknown += 1
                    logger.debug("nobody knows whether it runs", [.workspaceID: .uuid(id), .error: .error(error)])
                } else if !state.isRunning {
                    gone.append(id)
                }
                if let next = rest.next() { group.addTask { (next, await provisioner.isRunning(next)) } }
            }
            return (gone.sorted { $0.uuidString < $1.uuidString }, unknown)
        }
    }

    private func lose(_ gone: [UUID], _ time: Date, _ silence: Double) async throws -> Int {
        guard !gone.isEmpty else { return 0 }
        let events = try await store.lose(gone, seenAt: time, silence: silence)
        relay.committed(events)
        let lost = events.compactMap(\.event.subject)
        guard !lost.isEmpty else { return 0 }
        for id in lost { logger.warning("container is gone", [.workspaceID: .uuid(id)]) }
        redis.fireAndForget(RedisKeys.forget(lost).map { RedisArgument($0) })
        wake()
        return lost.count
    }
}
