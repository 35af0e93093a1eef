import Contracts
import Foundation
import Postgres
import Testing
import TestSupport
import UVLoop

@Suite("Heartbeats, sweeps, registrations and the lifecycle at the same time")
struct StatusRaceTests {
    private static let rounds = 80 as UInt64

    @Test("Every change has one event, every path is legal, and some order explains all results")
    func races() async throws {
        let server = try await SharedServers.postgres()
        let url = try await server.makeMigratedDatabase("races")
        // Deadlocks shall be found soon.
        try await server.sql("ALTER DATABASE \"\(url.split(separator: "/").last!)\" SET deadlock_timeout = '5ms'")
        let group = EventLoopGroup(count: 2)
        defer { group.shutdown() }
        let pool = PostgresPool(url: url, group: group, configuration: .unhurried)
        let arena = try await RaceArena(pool: pool)
        let first = UInt64.random(in: 0..<1 << 32)
        var kinds: [String: Int] = [:]
        for seed in first..<first + Self.rounds {
            let round = try await RaceRound(arena, seed: seed)
            let steps = try await round.run()
            for id in round.workspaces {
                let own = steps.filter { $0.workspace == id }
                let changes = try await check(id, own, round, "seed \(seed), workspace \(id)")
                for change in changes { kinds["\(change.was ?? "") → \(change.became)", default: 0] += 1 }
            }
            try await arena.clear()
        }
        await pool.close()
        // The races must have gone over all the ground.
        for arrow in Self.expectedArrows { #expect(kinds[arrow] != nil, "no race went \(arrow): \(kinds)") }
    }

    private static let expectedArrows = [
        "online → degraded", "degraded → online", "online → offline", "offline → online", "offline → provisioning",
        "provisioning → online", "provisioning → failed", "failed → provisioning", "online → paused",
        "paused → provisioning", "online → hibernating", "hibernating → hibernated", "hibernated → provisioning",
        "online → removed", "awaiting_agent → online",
    ]

    private func check(
        _ id: UUID, _ steps: [RaceStep], _ round: RaceRound, _ place: String
    ) async throws -> [RaceArena.Change] {
        let (arena, start) = (round.arena, try #require(round.start[id]))
        let end = try #require(try await arena.status(id))
        let changes = try await arena.changes(id)
        // One event for each real change, in the same transaction and the same order.
        let published = try await arena.events(id)
        #expect(published == changes.map { .init(became: $0.became, transaction: $0.transaction) }, "\(place)")
        // The log, replayed, is a path through the diagram that ends where the row is.
        var status = start
        for change in published {
            let next = try #require(WorkspaceStatus(rawValue: change.became))
            #expect(Self.isArrow(status, next), "\(place): \(status) → \(next)")
            status = next
        }
        #expect(status == end, "\(place): the log ends in \(status), the row is \(end)")
        let history = RaceHistory(steps: steps, start: start, end: end, silence: RaceRound.silence)
        let isExplained = history.isExplained
        #expect(isExplained, "\(place): no order explains \(start) → \(end): \(Self.text(steps)); \(changes)")
        return changes
    }

    private static func isArrow(_ from: WorkspaceStatus, _ to: WorkspaceStatus) -> Bool {
        let running: Set<WorkspaceStatus> = [.online, .degraded]
        if running.contains(from), to == .offline { return true }
        if from == .online, to == .degraded { return true }
        // Beats from some, registrations from every status but this.
        if from != .removed, from != .online, to == .online { return true }
        return LifecycleChange.allCases.contains { $0.from.contains(from) && $0.becomes == to }
    }

    private static func text(_ steps: [RaceStep]) -> String {
        let zero = steps.map(\.began).min() ?? .now
        return steps.sorted { $0.began < $1.began }
            .map { "\($0.began - zero) to \($0.ended - zero) \($0.action): \($0.result)" }.joined(separator: "; ")
    }
}
