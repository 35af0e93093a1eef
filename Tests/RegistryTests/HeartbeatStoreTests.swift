import Concurrency
import Contracts
import EventOutbox
import Foundation
import Postgres
import Testing
import TestSupport

@testable import Registry

/// The statement and the rule say the same, on a real Postgres.
@Suite("Heartbeats in Postgres")
struct HeartbeatStoreTests {
    private static let add = Statement(
        "test_add",
        """
        WITH w AS (INSERT INTO workspaces (id, name, status) VALUES ($1, 'w', $2::workspace_status) RETURNING id)
        INSERT INTO workspace_vitals (workspace_id) SELECT id FROM w
        """)
    private static let read = Statement("test_read", "SELECT status FROM workspaces WHERE id = $1")
    private static let events = Statement(
        "test_events", "SELECT type FROM structure_events WHERE workspace_id = $1 ORDER BY sequence")

    private func beat(_ id: UUID, _ kind: StatusRule.Beat = .init(), task: String = "") throws -> Heartbeat {
        var beat = try Heartbeat(body: Array(#"{"workspace_id":"\#(id.lowercased)"}"#.utf8))
        beat.runtimeState = kind.runtimeState
        beat.errorRate = kind.errorRate
        beat.currentTask = task
        beat.metadata = .init(capabilities: kind.capabilities, idleTimeoutSeconds: nil)
        return beat
    }

    @Test("The statement flips exactly what the rule says, with one event for each flip")
    func statementAndRuleAgree() async throws {
        try await withMigratedPool("registry") { pool in
            let store = HeartbeatStore(postgres: pool)
            for status in WorkspaceStatus.allCases {
                var expected: [(UUID, WorkspaceStatus?)] = []
                var beats: [Heartbeat] = []
                for kind in StatusRuleTests.beats {
                    let id = UUID()
                    _ = try await pool.query(Self.add, [id, status.rawValue])
                    beats.append(try beat(id, kind))
                    expected.append((id, StatusRule.next(status, kind)))
                }
                beats.sort { $0.workspace.uuidString < $1.workspace.uuidString }
                let outcomes = try await store.write(beats, source: "switchyard/test")
                for (beat, outcome) in zip(beats, outcomes) {
                    let becomes = expected.first { $0.0 == beat.workspace }?.1
                    let now = try await pool.query(Self.read, [beat.workspace])[0].string(0)
                    #expect(now == (becomes ?? status).rawValue, "\(status) with \(beat)")
                    #expect(outcome.event?.event.type == becomes.map { "workspace.\($0.rawValue)" })
                    let written = try await pool.query(Self.events, [beat.workspace])
                    #expect(written.count == (becomes == nil ? 0 : 1))
                }
                let isRemoved = status == .removed
                #expect(outcomes.allSatisfy { ($0.verdict == .removed) == isRemoved })
            }
        }
    }

    @Test("An unknown workspace is said to be unknown, and the others of its batch are written")
    func unknown() async throws {
        try await withMigratedPool("registry") { pool in
            let known = UUID()
            _ = try await pool.query(Self.add, [known, "offline"])
            let beats = [try beat(known), try beat(UUID())].sorted {
                $0.workspace.uuidString < $1.workspace.uuidString
            }
            let outcomes = try await HeartbeatStore(postgres: pool).write(beats, source: "switchyard/test")
            for (beat, outcome) in zip(beats, outcomes) {
                #expect(outcome.verdict == (beat.workspace == known ? .accepted : .unknown))
            }
            #expect(try await pool.query(Self.read, [known])[0].string(0) == "online")
        }
    }

    private static let holdVitals = Statement(
        "test_hold_vitals", "SELECT FROM workspace_vitals WHERE workspace_id = $1 FOR UPDATE")
    private static let holdWorkspace = Statement(
        "test_hold_workspace", "SELECT FROM workspaces WHERE id = $1 FOR UPDATE")

    @Test("A locked row keeps no other beat of the batch from being written", arguments: [0, 1])
    func locked(_ table: Int) async throws {
        try await withMigratedPool("registry") { pool in
            let store = HeartbeatStore(postgres: pool)
            let ids = (0..<20).map { _ in UUID() }.sorted { $0.uuidString < $1.uuidString }
            for id in ids { _ = try await pool.query(Self.add, [id, "offline"]) }
            let (isHeld, mayGo) = (Gate(), Gate())
            async let holding: Void = pool.transaction { transaction in
                _ = try await transaction.query([Self.holdVitals, Self.holdWorkspace][table], [ids[7]])
                isHeld.open()
                await mayGo.wait()
            }
            await isHeld.wait()
            defer { mayGo.open() }
            let outcomes = try await store.write(try ids.map { try beat($0) }, source: "s")
            for (index, outcome) in outcomes.enumerated() {
                #expect(outcome.verdict == (index == 7 ? .locked : .accepted))
                #expect((outcome.event == nil) == (index == 7))
            }
            #expect(try await store.writeFree([try beat(ids[7])], source: "s")[0].verdict == .locked)
            #expect(try await store.writeFree([try beat(UUID())], source: "s")[0].verdict == .unknown)
            mayGo.open()
            try await holding
            #expect(try await store.writeFree([try beat(ids[7])], source: "s")[0].event != nil)
        }
    }

    @Test("The task is published as changed when it changed, and only then")
    func taskChanges() async throws {
        try await withMigratedPool("registry") { pool in
            let store = HeartbeatStore(postgres: pool)
            let id = UUID()
            _ = try await pool.query(Self.add, [id, "online"])
            var changes: [Bool] = []
            for task in ["", "a", "a", "b", ""] {
                changes.append(try await store.write([try beat(id, task: task)], source: "s")[0].taskChanged)
            }
            #expect(changes == [false, true, false, true, true])
        }
    }

    @Test("Many writers over the same workspaces: no deadlock, and one event for each real transition")
    func concurrentWriters() async throws {
        try await withMigratedPool("registry") { pool in
            let store = HeartbeatStore(postgres: pool)
            let ids = (0..<40).map { _ in UUID() }.sorted { $0.uuidString < $1.uuidString }
            for id in ids { _ = try await pool.query(Self.add, [id, "offline"]) }
            let flips = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<8 {
                    group.addTask {
                        var flips = 0
                        for _ in 0..<10 {
                            let beats = try ids.map { try beat($0) }
                            flips += try await store.write(beats, source: "s").filter { $0.event != nil }.count
                        }
                        return flips
                    }
                }
                return try await group.reduce(0, +)
            }
            #expect(flips == ids.count)
        }
    }

    private static let age = Statement(
        "test_age",
        """
        UPDATE workspace_vitals SET runtime_metadata_at = now() - make_interval(secs => $2) WHERE workspace_id = $1
        """)
    private static let overrides = Statement(
        "test_overrides", "SELECT capabilities, idle_timeout_seconds FROM workspace_vitals WHERE workspace_id = $1")

    @Test("Short beats keep the overrides; 90 s without runtime_metadata clear them, and metadata sets them again")
    func overrides() async throws {
        try await withMigratedPool("registry") { pool in
            let store = HeartbeatStore(postgres: pool)
            let id = UUID()
            _ = try await pool.query(Self.add, [id, "online"])
            var full = try beat(id)
            full.metadata = .init(capabilities: .session, idleTimeoutSeconds: 600)
            var short = full
            short.metadata = nil
            func kept() async throws -> [Int?] {
                let row = try await pool.query(Self.overrides, [id])[0]
                return [row.int(0), row.optionalInt(1)]
            }
            let session = Int(Capabilities.session.rawValue)
            for (beat, age, expected) in [
                (short, 0.0, [0, nil]), (full, 0, [session, 600]), (short, 0, [session, 600]),
                (short, 85, [session, 600]), (short, 91, [0, nil]), (full, 91, [session, 600]),
            ] as [(Heartbeat, Double, [Int?])] {
                if age > 0 { _ = try await pool.query(Self.age, [id, age]) }
                let before = try await kept()
                let outcome = try await store.write([beat], source: "s")[0]
                #expect(try await kept() == expected)
                // Only changes are published.
                #expect(outcome.overridesChanged == (before != expected))
            }
        }
    }

    private static let spent = Statement("test_spent", "SELECT monthly_spend FROM workspaces WHERE id = $1")

    @Test("Spending of 0 is no news")
    func spending() async throws {
        try await withMigratedPool("registry") { pool in
            let store = HeartbeatStore(postgres: pool)
            let id = UUID()
            _ = try await pool.query(Self.add, [id, "online"])
            for (cents, expected) in [(0, 0), (300, 300), (0, 300), (250, 250)] {
                var beat = try beat(id)
                beat.monthlySpend = cents
                _ = try await store.write([beat], source: "s")
                #expect(try await pool.query(Self.spent, [id])[0].int(0) == expected)
            }
        }
    }
}
