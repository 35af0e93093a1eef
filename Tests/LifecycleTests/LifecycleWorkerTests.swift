import AMQP
import Concurrency
import Contracts
import EventOutbox
import Foundation
import Observability
import Postgres
import Provisioning
import Secrets
import ServiceLifecycle
import Synchronization
import Templates
import Testing
import TestSupport
import UVLoop

@testable import Lifecycle

/// What a shutdown does to jobs that do not end in time.
@Suite("Lifecycle worker")
struct LifecycleWorkerTests {
    /// An engine whose stops take until they are cancelled, or until a gate opens, cancelled or not.
    private struct SlowEngine: Provisioner {
        let gate: Gate?
        let stops = SharedCount()

        var isConfigured: Bool { true }

        func stop(_ workspace: WorkspaceName) async throws(ProvisioningError) {
            stops.value.wrappingAdd(1, ordering: .relaxed)
            if let gate {
                await gate.wait()
            } else {
                try? await Task.sleep(for: .seconds(600))
            }
        }

        func start(_ specification: WorkspaceSpecification) async throws(ProvisioningError) -> StartedWorkspace {
            throw ProvisioningError(.noBackend, .start)
        }
        func isRunning(_ workspace: WorkspaceName) async -> RunningState { .gone }
        func removeVolume(_ workspace: WorkspaceName) async throws(ProvisioningError) {}
        func listManaged() async throws(ProvisioningError) -> [ManagedWorkspace] { [] }
    }

    private final class SharedCount: Sendable { let value = Atomic(0) }

    private func worker(
        _ engine: SlowEngine, _ fleet: Fleet, _ loops: EventLoopGroup, grace: Duration = .seconds(1)
    ) throws -> LifecycleWorker {
        let metrics = MetricsRegistry(includesProcess: false)
        let publisher = try AMQPPublisher(
            urls: "amqp://127.0.0.1:1", topology: AMQPTopology([]), logger: .disabled, metrics: metrics)
        let relay = EventRelay(postgres: fleet.pool, publisher: publisher, logger: .disabled, metrics: metrics)
        let vault = SecretVault(
            store: SecretStore(postgres: fleet.pool), keys: try #require(SecretKeys([[UInt8](repeating: 1, count: 32)]))
        ) { _, _ in
        }
        let runner = JobRunner(
            provisioner: engine, starts: StartStore(postgres: fleet.pool, source: "switchyard/test"), relay: relay,
            vault: vault, templates: TemplateCatalog(path: nil, loops: loops, logger: .disabled), platformURL: "",
            logger: .disabled)
        return LifecycleWorker(
            store: JobStore(postgres: fleet.pool, source: "switchyard/test"), runner: runner, relay: relay,
            loop: loops.next(), instance: "one", logger: .disabled, metrics: metrics, cancelledGrace: grace)
    }

    private static let owner = Statement(
        "test_job_owner", "SELECT lease_owner FROM lifecycle_jobs WHERE workspace_id = $1 AND completed_at IS NULL")

    @Test(
        "A job that came to a stand is handed back; one whose engine call still runs is left to its lease",
        arguments: [false, true])
    func handBack(isStuck: Bool) async throws {
        let loops = EventLoopGroup(count: 1)
        defer { loops.shutdown() }
        try await withFleet { fleet, store in
            let gate = isStuck ? Gate() : nil
            defer { gate?.open() }
            let engine = SlowEngine(gate: gate)
            let worker = try worker(engine, fleet, loops, grace: isStuck ? .seconds(1) : .seconds(60))
            let id = try await fleet.add()
            _ = try await store.pause(id)
            let running = Task { try await worker.run(until: ShutdownSignal()) }
            try await eventually("the engine to be asked") { engine.stops.value.load(ordering: .relaxed) == 1 }
            // As the service group does when the grace is over.
            running.cancel()
            try await running.value
            let owner = try await fleet.pool.query(Self.owner, [id])[0].optionalString(0)
            #expect(owner == (isStuck ? "one" : nil))
        }
    }
}
