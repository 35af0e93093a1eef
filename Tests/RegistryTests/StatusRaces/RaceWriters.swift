import Authentication
import Contracts
import EventOutbox
import Foundation
import HTTPCore
import Postgres
import Sweeper
import TestSupport
import UVHTTPServer

@testable import Registry

/// One round: several writers at once on the same few workspaces, each with a list of random deeds.
struct RaceRound: Sendable {
    static let silence = Duration.milliseconds(2)

    let arena: RaceArena
    let workspaces: [UUID]
    let start: [UUID: WorkspaceStatus]
    private let seed: UInt64

    init(_ arena: RaceArena, seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        self.arena = arena
        self.seed = seed
        // Heartbeats come to the store in the order of their ids. Fewer than the sweeper's guard protects.
        workspaces = (0..<6).map { _ in UUID.random(using: &random) }.sorted { $0.uuidString < $1.uuidString }
        var start: [UUID: WorkspaceStatus] = [:]
        for id in workspaces {
            start[id] = WorkspaceStatus.allCases.filter { $0 != .removed }.randomElement(using: &random)
        }
        self.start = start
        for (id, status) in start { try await arena.add(id, status) }
    }

    /// - Returns: the steps of all writers.
    func run() async throws -> [RaceStep] {
        try await withThrowingTaskGroup(of: [RaceStep].self) { group in
            var number: UInt64 = 0
            for (count, writer) in [(2, beats), (1, sweeps), (4, changes), (1, registrations)] as [(Int, Writer)] {
                for _ in 0..<count {
                    number += 1
                    let random = SeededGenerator(seed: seed &* 31 &+ number)
                    group.addTask { try await writer(random) }
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
    }

    private typealias Writer = @Sendable (SeededGenerator) async throws -> [RaceStep]

    private func beats(_ random: SeededGenerator) async throws -> [RaceStep] {
        var random = random
        var steps: [RaceStep] = []
        for _ in 0..<3 {
            let kinds = workspaces.filter { _ in Int.random(in: 0..<4, using: &random) > 0 }.map { id in
                (id, StatusRuleTests.cases.randomElement(using: &random)!.beat)
            }
            let began = ContinuousClock.now
            let outcomes = try await HeartbeatStore(postgres: arena.pool).write(
                kinds.map { try Heartbeat.made($0.0, $0.1) }, source: "switchyard/test")
            let ended = ContinuousClock.now
            // One whose rows were locked for too long counts as not sent.
            for ((id, kind), outcome) in zip(kinds, outcomes) where outcome.verdict != .locked {
                let became = outcome.event.flatMap { WorkspaceStatus(rawValue: String($0.event.type.dropFirst(10))) }
                let result: RaceStep.Result =
                    outcome.verdict == .removed ? .gone : became.map { .became($0) } ?? .unchanged
                steps.append(RaceStep(workspace: id, action: .beat(kind), result: result, began: began, ended: ended))
            }
        }
        return steps
    }

    private func sweeps(_ random: SeededGenerator) async throws -> [RaceStep] {
        let store = LivenessStore(postgres: arena.pool, source: "switchyard/test")
        var steps: [RaceStep] = []
        for _ in 0..<4 {
            let began = ContinuousClock.now
            let outcome = try await store.sweep(.managed, ttl: Double(Self.silence.components.attoseconds) / 1e18)
            let ended = ContinuousClock.now
            for id in outcome?.events.compactMap(\.event.subject) ?? [] {
                steps.append(
                    RaceStep(workspace: id, action: .sweep, result: .became(.offline), began: began, ended: ended))
            }
        }
        return steps
    }

    private func changes(_ random: SeededGenerator) async throws -> [RaceStep] {
        var random = random
        var steps: [RaceStep] = []
        for _ in 0..<4 {
            let id = workspaces.randomElement(using: &random)!
            // What is possible now, mostly; deletions end everything, so that they are rare.
            let status = try await arena.status(id) ?? .removed
            let possible = LifecycleChange.allCases.filter { $0.from.contains(status) && $0 != .delete }
            let isRare = possible.isEmpty || Int.random(in: 0..<6, using: &random) == 0
            let change = (isRare ? LifecycleChange.allCases : possible).randomElement(using: &random)!
            let began = ContinuousClock.now
            let roundTrips = Int.random(in: 0..<6, using: &random)
            let isDone = try await arena.change(id, change, roundTrips: roundTrips)
            steps.append(
                RaceStep(
                    workspace: id, action: .change(change), result: isDone ? .became(change.becomes) : .unchanged,
                    began: began, ended: .now))
        }
        return steps
    }

    private func registrations(_ random: SeededGenerator) async throws -> [RaceStep] {
        var random = random
        let store = RegistrationStore(postgres: arena.pool, source: "switchyard/test")
        var steps: [RaceStep] = []
        for _ in 0..<2 {
            let id = workspaces.randomElement(using: &random)!
            let began = ContinuousClock.now
            let result = try await register(id, store)
            steps.append(RaceStep(workspace: id, action: .register, result: result, began: began, ended: .now))
        }
        return steps
    }

    private func register(_ id: UUID, _ store: RegistrationStore) async throws -> RaceStep.Result {
        do {
            let done = try await store.register(
                id, url: RaceArena.url, card: RaceArena.card,
                by: Registrant(
                    identity: .workspace(id), hasToken: true, workspaceExisted: true, mayCreate: false),
                traceparent: nil)
            return done.event == nil ? .unchanged : .became(.online)
        } catch let error as APIError where error.status == .gone {
            return .gone
        }
    }
}

extension Heartbeat {
    /// A beat of one kind.
    static func made(_ id: UUID, _ kind: StatusRule.Beat) throws -> Heartbeat {
        var beat = try Heartbeat(body: Array(#"{"workspace_id":"\#(id.uuidString.lowercased())"}"#.utf8))
        beat.runtimeState = kind.runtimeState
        beat.errorRate = kind.errorRate
        beat.metadata = .init(capabilities: kind.capabilities, idleTimeoutSeconds: nil)
        return beat
    }
}
