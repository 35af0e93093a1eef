import Foundation
import Postgres
import Testing
import TestSupport
import UVLoop

/// Every pair of writers at once on the same workspaces. The server counts the deadlocks that it finds: what is
/// repeated because of one has cost a second already, of every waiter behind it.
@Suite("One order of locks")
struct LockOrderTests {
    private static let rounds = 4
    /// Postgres looks for a deadlock after a second.
    private static let suspicious: Duration = .seconds(1)

    @Test("No two writers wait for each other crosswise", .timeLimit(.minutes(30)))
    func pairs() async throws {
        let (database, slow) = try await withMigratedPool("locks") { pool in
            let arena = LockOrderArena(pool: pool)
            try await arena.fill()
            var slow: [String] = []
            let writers = LockOrderWriter.allCases
            for (index, first) in writers.enumerated() {
                for second in writers[index...] {
                    for _ in 0..<Self.rounds {
                        let began = ContinuousClock.now
                        try await meet(first, second, arena)
                        if .now - began > Self.suspicious { slow.append("\(first) and \(second)") }
                    }
                }
            }
            return (try await arena.database(), slow)
        }
        let found = try await withMigratedPool("locks") { pool in
            try await eventually("the sessions to end, which report then") {
                try await LockOrderArena.sessions(in: database, pool) == 0
            }
            return try await LockOrderArena.deadlocks(in: database, pool)
        }
        let reports = try await SharedServers.postgres().deadlockReports(database: database)
        #expect(found == 0, "these took long: \(Set(slow).sorted().joined(separator: ", "))\n\(reports)")
    }

    private func meet(_ first: LockOrderWriter, _ second: LockOrderWriter, _ arena: LockOrderArena) async throws {
        try await arena.reset()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in [first, second, first, second] {
                group.addTask {
                    do {
                        try await writer.run(in: arena)
                    } catch let error as PostgresError where error.isLockTimeout {
                        // It stood behind the others for long. Who waits crosswise is counted by the server.
                    } catch {
                        Issue.record(error, "\(writer), with \(first) and \(second)")
                    }
                }
            }
            try await group.waitForAll()
        }
    }
}
