import Foundation
import Observability
import Provisioning
import Testing
import TestSupport

/// What becomes of workspaces when a start is cut short, an image is no good, or the engine goes away.
@Suite struct EngineFaultTests {
    @Test func `a start that died before the container ran is made good by the next one`() async throws {
        let podman = try await SharedEngine.get()
        let engine = try makeEngine(podman)
        let workspace = makeSpecification()
        try await withWorkspace(workspace, on: engine) {
            let name = WorkspaceName(workspace.id)
            try await podman.control(
                "create", "--name", name.container, "--volume", "\(name.volume):/configs", TestImage.agent)
            #expect(await engine.isRunning(workspace.id) == .gone)
            let url = try await engine.start(workspace).url
            #expect(try await eventualResponse(podman, "\(url)/token") == workspace.token)
        }
    }

    @Test func `a process that cannot start leaves no container behind`() async throws {
        let engine = try makeEngine(try await SharedEngine.get())
        let workspace = makeSpecification(runtime: "failing")
        try await withWorkspace(workspace, on: engine) {
            let error = await failure { try await engine.start(workspace) }
            #expect(error?.message == "workspace start failed" && error?.detail.isEmpty == false)
            #expect(error?.detail.contains("sk-secret") == false)
            let left = try await engine.listManaged().filter { $0.workspace == WorkspaceName(workspace.id) }
            #expect(left.map(\.kind) == [.volume])
        }
    }

    @Test func `an image that cannot be had leaves the running container alone`() async throws {
        let engine = try makeEngine(try await SharedEngine.get())
        var workspace = makeSpecification()
        try await withWorkspace(workspace, on: engine) {
            let url = try await engine.start(workspace).url
            workspace.runtime = "missing"
            let error = await failure { try await engine.start(workspace) }
            #expect(error?.kind == .imageMissing && error?.message == "workspace start failed")
            #expect(error?.detail.contains("127.0.0.1:1") == true)
            #expect(await engine.isRunning(workspace.id) == .running(url: url))
        }
    }

    @Test func `containers outlive the engine, and are found again`() async throws {
        try await withOwnEngine { podman in
            let engine = try makeEngine(podman)
            let workspace = makeSpecification()
            let url = try await engine.start(workspace).url
            await podman.killService()
            let blind = await engine.isRunning(workspace.id)
            #expect(blind.isRunning && blind.error?.kind == .unavailable)
            #expect(await failure { try await engine.stop(workspace.id) }?.kind == .unavailable)
            // Its process runs as soon as it is started; that it listens takes a moment longer.
            try await eventually("the container to respond") {
                (try? await podman.get("\(url)/token")) == workspace.token
            }
            try await podman.startService()
            #expect(await engine.isRunning(workspace.id) == .running(url: url))
            try await engine.stop(workspace.id)
            #expect(await engine.isRunning(workspace.id) == .gone)
        }
    }

    @Test func `an engine that does not response is not waited for longer than allowed`() async throws {
        try await withOwnEngine { podman in
            let engine = try makeEngine(podman) { $0.inspectTimeout = .seconds(5) }
            let workspace = makeSpecification()
            _ = try await engine.start(workspace)
            podman.pause()
            let state = await engine.isRunning(workspace.id)
            podman.resume()
            #expect(state.isRunning && state.error?.isTransient == true)
            try await eventually("the engine to respond") { await engine.isRunning(workspace.id).error == nil }
        }
    }

    @Test func `an engine that dies in the middle of a start is good for the next one`() async throws {
        try await withOwnEngine { podman in
            let engine = try makeEngine(podman)
            let workspace = makeSpecification()
            let name = WorkspaceName(workspace.id)
            let cut = Task { await failure { try await engine.start(workspace) } }
            // The container is made before its volume is filled.
            try await eventually("the container in the engine's storage") { podman.hasStored(name.container) }
            await podman.killService()
            let error = await cut.value
            #expect(error == nil || error?.isTransient == true)
            try await podman.startService()
            let url = try await engine.start(workspace).url
            #expect(try await eventualResponse(podman, "\(url)/token") == workspace.token)
            #expect(try await engine.listManaged().filter { $0.workspace == name }.count == 2)
        }
    }

    @Test func `something else at the engine's address does not make workspaces gone`() async throws {
        try await withControlPlane { stranger in
            let address = try #require(EngineAddress("tcp://127.0.0.1:\(stranger.port)"))
            let engine = ContainerEngine(
                address, settings: ProvisionerSettings(backend: .engine(address)), loops: loops, logger: .disabled)
            let state = await engine.isRunning(UUID())
            #expect(state.isRunning && state.error != nil)
            #expect(await failure { try await engine.stop(UUID()) } != nil)
            #expect(await failure { try await engine.removeVolume(UUID()) } != nil)
        }
    }
}
