import Contracts
import Foundation
import Observability
import Postgres
import ServiceHost
import ServiceLifecycle
import Sweeper
import Synchronization
import Testing
import TestSupport
import UVLoop

@Suite("Runner of passes")
struct PassRunnerTests {
    private struct Injected: Error {}

    /// Fails as long as it is set to.
    private final class FragilePass: SweepPass {
        let name: String
        let interval: Duration = .milliseconds(20)
        private let state = Mutex((fails: false, runs: 0))

        init(_ name: String) { self.name = name }

        var fails: Bool {
            get { state.withLock { $0.fails } }
            set { state.withLock { $0.fails = newValue } }
        }
        var runs: Int { state.withLock { $0.runs } }

        func run() async throws -> [String: Int] {
            let fails = state.withLock { state in
                state.runs += 1
                return state.fails
            }
            if fails { throw Injected() }
            return ["done": 1]
        }
    }

    @Test("A pass that fails waits longer and says so; the others go on; once it succeeds nothing is said any more")
    func failure() async throws {
        let group = EventLoopGroup(count: 1)
        defer { group.shutdown() }
        try await withMigratedPool("runner") { pool in
            let registry = MetricsRegistry(includesProcess: false)
            let metrics = SweepMetrics(registry)
            let ticks = TickStore(postgres: pool, instance: "test")
            let (bad, good) = (FragilePass("bad"), FragilePass("good"))
            bad.fails = true
            let retention = RetentionPass(
                store: RetentionStore(postgres: pool, instance: "test"), settings: RetentionSettings(),
                logger: .disabled)
            let shutdown = ShutdownSignal()
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                for pass in [bad, good, retention] as [any SweepPass] {
                    let runner = PassRunner(
                        pass: pass, loop: group.next(), logger: .disabled, metrics: metrics, ticks: ticks)
                    tasks.addTask { try await runner.run(until: shutdown) }
                }
                defer { shutdown.give() }
                try await eventually("the failure") { try await ticks.all()["bad"]?.lastError != nil }
                let failed = try #require(try await ticks.all()["bad"])
                #expect(failed.lastTickAt == nil && failed.secondsAgo == nil && failed.lastError == "Injected")
                let before = good.runs
                try await eventually("others") { good.runs > before + 20 }
                // Its first pause is about a second; without it, it would run as often as the others.
                #expect(bad.runs < good.runs / 2)
                try await eventually("all ticks") {
                    let all = try await ticks.all()
                    return all["good"]?.lastTickAt != nil && all["retention"]?.lastTickAt != nil
                }
                let text = String(decoding: registry.exposition(), as: UTF8.self)
                #expect(text.contains(#"switchyard_sweep_failures_total{pass="bad"}"#))
                for name in ["bad", "good", "retention"] {
                    #expect(text.contains(#"switchyard_sweep_duration_seconds_count{pass="\#(name)"}"#))
                }
                bad.fails = false
                try await eventually("a tick") { try await ticks.all()["bad"]?.lastError == nil }
                let tick = try #require(try await ticks.all()["bad"])
                #expect(tick.lastTickAt != nil && tick.counts == ["done": 1])
            }
        }
    }
}
