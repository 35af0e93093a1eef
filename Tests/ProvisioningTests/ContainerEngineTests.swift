import Contracts
import Foundation
import JSONBytes
import Observability
import Provisioning
import Testing
import TestSupport

/// What the engine and the process in it see of a container of the platform.
@Suite struct ContainerEngineTests {
    private func inspect(_ podman: PodmanServer, _ workspace: WorkspaceSpecification) async throws -> JSONValue {
        let text = try await podman.control("inspect", WorkspaceName(workspace.id).container)
        return try #require(try JSONValue(decoding: Array(text.utf8))[0])
    }

    @Test func `the token is there for the first process, for its user alone`() async throws {
        let podman = try await SharedEngine.get()
        let engine = try makeEngine(podman)
        for (runtime, owner) in [("agent", "600 0 0"), ("plain-user", "600 1234 1235")] {
            let workspace = makeSpecification(runtime: runtime)
            try await withWorkspace(workspace, on: engine) {
                let url = try await engine.start(workspace).url
                #expect(try await eventualResponse(podman, "\(url)/token") == workspace.token)
                #expect(try await eventualResponse(podman, "\(url)/mode") == owner + "\n")
            }
        }
    }

    @Test func `the process finds its environment, and none that the platform's own could hide`() async throws {
        let podman = try await SharedEngine.get()
        let engine = try makeEngine(podman)
        let workspace = makeSpecification(environment: [
            "PLATFORM_URL": "http://platform:8080", "KEY": "a=b c\"d'\n$e", "WORKSPACE_ID": "somebody else",
            "PORT": "1",
        ])
        try await withWorkspace(workspace, on: engine) {
            _ = try await engine.start(workspace)
            let variables = try await inspect(podman, workspace)["Config"]?["Env"]?.array?.compactMap(\.string) ?? []
            for expected in [
                "WORKSPACE_ID=\(workspace.id.lowercased)", "PLATFORM_URL=http://platform:8080", "PORT=8000",
                "HOST=0.0.0.0", "CONFIGS_DIR=/configs", "KEY=a=b c\"d'\n$e",
            ] {
                #expect(variables.contains(expected), "\(expected)")
            }
            #expect(!variables.contains { $0.hasPrefix("WORKSPACE_ID=somebody") })
        }
    }

    @Test func `names, labels, network, port, limits and restart policy`() async throws {
        let podman = try await SharedEngine.get()
        let engine = try makeEngine(podman) { $0.tiers = [TierLimits(memoryMegabytes: 48, cpuShares: 256)] }
        let workspace = makeSpecification()
        let name = "ws-\(workspace.id.lowercased.prefix(12))"
        try await withWorkspace(workspace, on: engine) {
            let url = try await engine.start(workspace).url
            let found = try await inspect(podman, workspace)
            #expect(found["Name"]?.string == name)
            let labels = found["Config"]?["Labels"]
            #expect(labels?["molecule.platform.managed"] == "true" && labels?["molecule.platform.instance"] == "test")
            let network = found["NetworkSettings"]?["Networks"]?["molecule-monorepo-net"]
            #expect(network?["Aliases"]?.array?.contains(.string(name)) == true)
            let port = found["NetworkSettings"]?["Ports"]?["8000/tcp"]?[0]
            #expect(port?["HostIp"] == "127.0.0.1")
            #expect(url == "http://127.0.0.1:\(port?["HostPort"]?.string ?? "")")
            let host = found["HostConfig"]
            #expect(host?["Memory"] == 50_331_648 && host?["CpuShares"] == 256)
            #expect(host?["RestartPolicy"]?["Name"] == "unless-stopped")
            let volume = try await podman.control("volume", "inspect", "\(name)-configs")
            #expect(volume.contains("\"molecule.platform.instance\": \"test\""))
        }
    }

    @Test(arguments: [WorkspaceAccess.none, .readOnly, .readWrite])
    func `the host's folder is mounted as far as it may be used`(_ access: WorkspaceAccess) async throws {
        let podman = try await SharedEngine.get()
        let engine = try makeEngine(podman)
        var workspace = makeSpecification()
        // A colon would end the path in the engines' short notation.
        workspace.workspaceDirectory = try TemporaryFolder.make("work") + ":here"
        try FileManager.default.createDirectory(
            atPath: workspace.workspaceDirectory ?? "", withIntermediateDirectories: true)
        workspace.access = access
        try await withWorkspace(workspace, on: engine) {
            _ = try await engine.start(workspace)
            let mounts = try await inspect(podman, workspace)["Mounts"]?.array ?? []
            let folder = mounts.first { $0["Destination"] == "/workspace" }
            #expect((folder != nil) == (access != .none))
            #expect(folder?["RW"]?.bool == (access == .none ? nil : access == .readWrite))
            #expect(mounts.contains { $0["Destination"] == "/configs" && $0["Type"] == "volume" })
        }
    }

    @Test func `agents reach each other by name`() async throws {
        let podman = try await SharedEngine.get()
        let engine = try makeEngine(podman)
        let (first, second) = (makeSpecification(), makeSpecification())
        try await withWorkspace(first, on: engine) {
            try await withWorkspace(second, on: engine) {
                _ = try await engine.start(first)
                let url = try await engine.start(second).url
                _ = try await eventualResponse(podman, "\(url)/token")
                let peer = WorkspaceName(second.id)
                #expect(peer.internalURL == "http://\(peer.container):8000")
                let response = try await podman.control(
                    "exec", WorkspaceName(first.id).container, "wget", "-q", "-O", "-", "\(peer.internalURL)/token")
                #expect(response == second.token)
            }
        }
    }

    @Test func `inside a container agents are reached by name`() async throws {
        let engine = try makeEngine(try await SharedEngine.get()) { $0.isInContainer = true }
        let workspace = makeSpecification()
        try await withWorkspace(workspace, on: engine) {
            let url = try await engine.start(workspace).url
            #expect(url == WorkspaceName(workspace.id).internalURL)
            #expect(await engine.isRunning(workspace.id) == .running(url: url))
        }
    }

    @Test func `an agent's own files survive a new start`() async throws {
        let podman = try await SharedEngine.get()
        let engine = try makeEngine(podman)
        let workspace = makeSpecification()
        try await withWorkspace(workspace, on: engine) {
            _ = try await engine.start(workspace)
            let container = WorkspaceName(workspace.id).container
            try await podman.control(
                "exec", container, "sh", "-c", "echo kept >/configs/own; echo old >/configs/.auth_token")
            let url = try await engine.start(workspace).url
            #expect(try await eventualResponse(podman, "\(url)/files/own") == "kept\n")
            #expect(try await eventualResponse(podman, "\(url)/token") == workspace.token)
        }
    }

    @Test func `one that takes no notice is ended after the grace`() async throws {
        let engine = try makeEngine(try await SharedEngine.get()) { $0.stopGrace = .seconds(1) }
        let workspace = makeSpecification(runtime: "stubborn")
        try await withWorkspace(workspace, on: engine) {
            _ = try await engine.start(workspace)
            let took = try await ContinuousClock().measure { try await engine.stop(workspace.id) }
            #expect(took < .seconds(30))
            #expect(await engine.isRunning(workspace.id) == .gone)
        }
    }

    @Test func `what others made is listed as foreign, and not at all when it is named otherwise`() async throws {
        let podman = try await SharedEngine.get()
        let prefix = String(UUID().lowercased.prefix(12))
        for name in [
            "ws-\(prefix)", "ws-nothing of ours".replacingOccurrences(of: " ", with: "-"), "other-ws-\(prefix)",
        ] {
            try await podman.control("create", "--name", name, TestImage.agent)
        }
        let label = "molecule.platform.instance=elsewhere"
        try await podman.control("volume", "create", "--label", label, "ws-\(prefix)-configs")
        let found = try await makeEngine(podman).listManaged()
        let ofPrefix = found.filter { $0.idPrefix == prefix }
        #expect(ofPrefix.map(\.kind) == [.container, .volume] && !ofPrefix.contains { $0.belongsToInstance })
        #expect(ofPrefix.first?.state == "created")
        let strange = try #require(found.first { $0.idPrefix == "nothing-of-ours" })
        #expect(strange.workspace == nil)
        #expect(!found.contains { $0.idPrefix.contains("other") })
        // By its name alone, as one whose workspace no table knows.
        try await makeEngine(podman).stop(try #require(ofPrefix.first?.workspace))
        try await podman.control("rm", "--force", "ws-nothing-of-ours", "other-ws-\(prefix)")
        try await makeEngine(podman).removeVolume(try #require(ofPrefix.first?.workspace))
    }
}
