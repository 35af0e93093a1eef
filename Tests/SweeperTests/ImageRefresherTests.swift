import Contracts
import Foundation
import Observability
import Postgres
import Provisioning
import Testing
import TestSupport
import UVLoop

@testable import Sweeper

/// Over a real engine and a registry that both this process and the engine query.
@Suite("Images that changed in their registry")
struct ImageRefresherTests {
    private struct Fixture: Sendable {
        let engine: EngineFixture
        let registry: RegistryServer
        let backend: ContainerEngine
        let refresher: ImageRefresher

        var store: ImageStore {
            ImageStore(postgres: engine.fleet.pool, lifecycle: engine.fleet.lifecycle)
        }

        func push(_ version: String) async throws {
            try await registry.push("localhost/\(version):latest", of: engine.podman)
        }

        /// Starts a container of the runtime, with a row.
        func start(_ status: String = "online") async throws -> UUID {
            let id = UUID()
            try await engine.start(id, on: backend)
            try await engine.fleet.add(id: id)
            try await engine.fleet.run(
                "UPDATE workspaces SET status = $2::workspace_status WHERE id = $1", [id, status])
            return id
        }

        func jobs(_ id: UUID) async throws -> [String] { try await engine.fleet.jobs(id) }
    }

    private func with(_ access: RegistryServer.Access = .everybody, _ body: (Fixture) async throws -> Void) async throws
    {
        try await EngineFixture.with { engine in
            let registry = try await RegistryServer.start(beside: engine.podman, access)
            let credentials = RegistryCredentials(
                registry: registry.address, user: RegistryServer.user, token: RegistryServer.password)
            let images = ["agent": registry.image]
            let backend = engine.engine(images: images, credentials: credentials)
            let refresher = ImageRefresher(
                images: WorkspaceImages(overrides: images), backend: backend,
                registry: ImageRegistry(credentials: credentials, loops: EngineFixture.loops),
                store: ImageStore(postgres: engine.fleet.pool, lifecycle: engine.fleet.lifecycle),
                leases: engine.fleet.leases, wake: {}, loop: EngineFixture.loops.loops[0])
            let result: Result<Void, any Error>
            do {
                result = .success(
                    try await body(
                        Fixture(engine: engine, registry: registry, backend: backend, refresher: refresher)))
            } catch { result = .failure(error) }
            await registry.stop()
            try result.get()
        }
    }

    @Test(
        "The first check only records; a change pulls, and recreates the containers that run",
        arguments: [RegistryServer.Access.everybody, .password, .token])
    func change(_ access: RegistryServer.Access) async throws {
        try await with(access) { fixture in
            try await fixture.push("one")
            let running = try await fixture.start()
            let paused = try await fixture.start("paused")
            let other = UUID()
            try await fixture.engine.start(other)
            try await fixture.engine.fleet.add(id: other)
            #expect(try await fixture.refresher.refreshIfChanged("agent") == .seeded)
            #expect(try await fixture.refresher.refreshIfChanged("agent") == .unchanged)
            try await fixture.push("two")
            #expect(try await fixture.refresher.refreshIfChanged("agent") == .refreshed(containers: 1))
            #expect(try await fixture.jobs(running) == ["restart"])
            #expect(try await fixture.jobs(paused).isEmpty)
            #expect(try await fixture.jobs(other).isEmpty, "made from another image")
            #expect(try await fixture.refresher.refreshIfChanged("agent") == .unchanged)
            // What it is made anew from is the new one.
            try await fixture.engine.start(running, on: fixture.backend)
            let name = WorkspaceName(running).container
            #expect(try await fixture.engine.podman.control("exec", name, "cat", "/version") == "two")
        }
    }

    @Test("A step that fails is repeated by the next check", arguments: RegistryServer.Fault.allCases)
    func faults(_ fault: RegistryServer.Fault) async throws {
        try await with { fixture in
            try await fixture.push("one")
            let running = try await fixture.start()
            #expect(try await fixture.refresher.refreshIfChanged("agent") == .seeded)
            try await fixture.push("two")
            try fixture.registry.setFault(fault)
            await #expect(throws: ProvisioningError.self) { try await fixture.refresher.refreshIfChanged("agent") }
            #expect(try await fixture.jobs(running).isEmpty)
            try fixture.registry.setFault(nil)
            #expect(try await fixture.refresher.refreshIfChanged("agent") == .refreshed(containers: 1))
        }
    }

    @Test("A crash between the pull and its record leaves the containers to the next check")
    func died() async throws {
        try await with { fixture in
            try await fixture.push("one")
            let (old, new) = (try await fixture.start(), UUID())
            #expect(try await fixture.refresher.refreshIfChanged("agent") == .seeded)
            try await fixture.push("two")
            _ = try await fixture.backend.pull(fixture.registry.image)
            try await fixture.engine.start(new, on: fixture.backend)
            try await fixture.engine.fleet.add(id: new)
            #expect(try await fixture.refresher.refreshIfChanged("agent") == .refreshed(containers: 1))
            #expect(try await fixture.jobs(old) == ["restart"])
            #expect(try await fixture.jobs(new).isEmpty, "it has the new one already")
        }
    }

    @Test("Another name of the image is a first check; a start in progress is done once more")
    func renamed() async throws {
        try await with { fixture in
            try await fixture.push("one")
            let starting = try await fixture.start()
            try await fixture.engine.fleet.addJob(starting, "restart", isUnderWay: true)
            try await fixture.store.recreate([], of: "agent", .init(image: "another:latest", digest: "sha256:x"))
            #expect(try await fixture.refresher.refreshIfChanged("agent") == .seeded)
            try await fixture.push("two")
            #expect(try await fixture.refresher.refreshIfChanged("agent") == .refreshed(containers: 1))
            #expect(try await fixture.jobs(starting) == ["restart again"])
        }
    }

    @Test("A requested refresh pulls anyway, and recreates if requested; two at once run one after the other")
    func asked() async throws {
        try await with { fixture in
            try await fixture.push("one")
            let running = try await fixture.start()
            #expect(try await fixture.refresher.refresh("agent", recreates: false).isEmpty)
            #expect(try await fixture.jobs(running).isEmpty)
            let name = WorkspaceName(running).container
            async let first = fixture.refresher.refresh("agent", recreates: true)
            async let second = fixture.refresher.refresh("agent", recreates: true)
            let both = try await [first, second]
            #expect(both == [[name], [name]])
            #expect(try await fixture.jobs(running) == ["restart"])
            await #expect(throws: ProvisioningError.self) {
                try await fixture.refresher.refresh("nothing", recreates: false)
            }
        }
    }

    @Test("One runtime whose registry is away stops none of the others")
    func others() async throws {
        try await with { fixture in
            try await fixture.push("one")
            let images = WorkspaceImages(
                overrides: [
                    "agent": fixture.registry.image, "a-first": "127.0.0.1:1/nothing:latest",
                ].merging(WorkspaceImages().knownRuntimes.map { ($0, "127.0.0.1:1/nothing:latest") }) { $1 })
            let refresher = ImageRefresher(
                images: images, backend: fixture.backend,
                registry: ImageRegistry(credentials: nil, loops: EngineFixture.loops), store: fixture.store,
                leases: fixture.engine.fleet.leases, wake: {}, loop: EngineFixture.loops.loops[0])
            let counts = try await ImagePass(refresher: refresher, logger: .disabled).run()
            #expect(counts["failed"] == images.knownRuntimes.count - 1)
            #expect(try await fixture.store.observation(of: "agent")?.image == fixture.registry.image)
        }
    }
}
