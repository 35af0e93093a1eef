import Foundation
import Observability
import Postgres
import Provisioning
import TestSupport
import UVLoop

@testable import Sweeper

/// The engine that the tests of this target share, each with an id of its own on it.
struct EngineFixture: Sendable {
    static let loops = EventLoopGroup(count: 2)
    private static let shared = Shared {
        let podman = try await SharedServers.podman()
        let wait = #"CMD ["/bin/sh", "-c", "trap 'exit 0' TERM; while :; do sleep 1; done"]"#
        try await podman.importImage("localhost/plain:latest", changes: [wait])
        for version in ["one", "two"] {
            try await podman.importImage(
                "localhost/\(version):latest", files: ["/version": version], changes: [wait])
        }
        return podman
    }

    let podman: PodmanServer
    let fleet: ContainerFleet
    let instance: String

    /// Runs a test with a database and an id of its own, and takes away what it leaves.
    static func with(_ body: (EngineFixture) async throws -> Void) async throws {
        let podman = try await shared.get()
        try await ContainerFleet.with { fleet in
            let fixture = EngineFixture(podman: podman, fleet: fleet, instance: "test-\(UUID())")
            let result: Result<Void, any Error>
            do { result = .success(try await body(fixture)) } catch { result = .failure(error) }
            try? await fixture.clear()
            try result.get()
        }
    }

    func engine(
        as instance: String? = nil, images: [String: String] = [:], credentials: RegistryCredentials? = nil
    ) -> ContainerEngine {
        let address = EngineAddress.unixSocket(path: podman.socket)
        var settings = ProvisionerSettings(
            backend: .engine(address), instance: PlatformInstance(instance ?? self.instance),
            images: WorkspaceImages(overrides: ["agent": "localhost/plain:latest"].merging(images) { $1 }),
            credentials: credentials)
        settings.stopGrace = .seconds(1)
        return ContainerEngine(address, settings: settings, loops: Self.loops, logger: .disabled)
    }

    /// Starts a container, as whatever platform.
    @discardableResult
    func start(_ id: UUID, runtime: String = "agent", on engine: ContainerEngine? = nil) async throws -> WorkspaceName {
        _ = try await (engine ?? self.engine()).start(
            WorkspaceSpecification(id: id, runtime: runtime, token: "token-\(id)"))
        return WorkspaceName(id)
    }

    /// Of all that are there by this name.
    func exists(_ kind: ManagedWorkspace.Kind, _ name: WorkspaceName) async throws -> Bool {
        try await engine().listManaged().contains { $0.kind == kind && $0.idPrefix == name.prefix }
    }

    func orphanPass(as instance: String? = nil, retention: TimeInterval? = 86_400) -> OrphanPass {
        OrphanPass(
            provisioner: engine(as: instance), store: fleet.orphans, leases: fleet.leases, wake: {},
            retention: retention,
            gauges: MetricsRegistry().gauges("test_orphans", "Orphans.", labels: ["kind"]), logger: .disabled)
    }

    /// Makes what has been seen seem older.
    func age(_ seconds: Double) async throws {
        try await fleet.run(
            "UPDATE orphan_sightings SET first_seen_at = first_seen_at - make_interval(secs => $1)", [seconds])
    }

    private func clear() async throws {
        let engine = engine()
        for entry in try await engine.listManaged()
        where entry.labels.values.contains(where: { $0.hasPrefix(instance) }) {
            guard let name = entry.workspace else { continue }
            try? await engine.stop(name)
            try? await engine.removeVolume(name)
        }
    }
}
