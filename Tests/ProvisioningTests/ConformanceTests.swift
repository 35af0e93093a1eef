import Contracts
import Foundation
import Observability
import Provisioning
import Testing
import TestSupport

/// What every backend does, and what "no backend" says instead.
@Suite struct ConformanceTests {
    /// Runs the body where workspaces can be started; elsewhere every call must say that they cannot.
    private func conform(
        _ kind: BackendKind, breakable: Bool = false, _ body: (Backend) async throws -> Void
    ) async throws {
        try await withBackend(kind, breakable: breakable) { backend in
            #expect(backend.provisioner.isConfigured == (kind != .none))
            if kind == .none { await expectNoBackend(backend.provisioner) } else { try await body(backend) }
        }
    }

    private func expectNoBackend(_ provisioner: any Provisioner) async {
        let id = UUID()
        let errors = await failures(of: provisioner, makeSpecification())
        #expect(errors.map(\.kind) == Array(repeating: .noBackend, count: 4))
        #expect(errors.allSatisfy { !$0.isTransient && $0.message == "provisioner not available" })
        let state = await provisioner.isRunning(id)
        #expect(state.isRunning && state.error?.kind == .noBackend)
    }

    /// The errors of all four calls that throw.
    private func failures(
        of provisioner: any Provisioner, _ specification: WorkspaceSpecification
    ) async -> [ProvisioningError] {
        await [
            failure { try await provisioner.start(specification) },
            failure { try await provisioner.stop(specification.id) },
            failure { try await provisioner.removeVolume(specification.id) },
            failure { try await provisioner.listManaged() },
        ].compactMap { $0 }
    }

    private func entries(_ backend: Backend, of id: UUID) async throws -> [ManagedWorkspace] {
        try await backend.provisioner.listManaged().filter { $0.workspace == WorkspaceName(id) }
    }

    @Test(arguments: BackendKind.allCases) func `starts with the token and the files in place`(_ kind: BackendKind)
        async throws
    {
        try await conform(kind) { backend in
            var workspace = makeSpecification()
            workspace.files = [
                ConfigurationFile(path: "config.yaml", bytes: Array("runtime: agent\n".utf8)),
                ConfigurationFile(path: "skills/cooking/SKILL.md", bytes: Array("boil".utf8)),
            ]
            try await withWorkspace(workspace, on: backend.provisioner) {
                let started = try await backend.provisioner.start(workspace)
                #expect(await backend.provisioner.isRunning(workspace.id) == .running(url: started.url))
                #expect(try await backend.fileAtStart(workspace, ".auth_token") == workspace.token)
                #expect(try await backend.fileAtStart(workspace, "config.yaml") == "runtime: agent\n")
                #expect(try await backend.fileAtStart(workspace, "skills/cooking/SKILL.md") == "boil")
            }
        }
    }

    @Test(arguments: BackendKind.allCases) func `lists container and volume with our labels`(_ kind: BackendKind)
        async throws
    {
        try await conform(kind) { backend in
            let workspace = makeSpecification()
            try await withWorkspace(workspace, on: backend.provisioner) {
                let before = Date().addingTimeInterval(-2)
                _ = try await backend.provisioner.start(workspace)
                let found = try await entries(backend, of: workspace.id)
                #expect(Set(found.map(\.kind)) == [.container, .volume] && found.count == 2)
                #expect(found.allSatisfy { $0.belongsToInstance && $0.idPrefix == WorkspaceName(workspace.id).prefix })
                #expect(found.allSatisfy { $0.labels["molecule.platform.instance"] == "test" })
                let container = try #require(found.first { $0.kind == .container })
                #expect(container.state == "running")
                let created = try #require(container.createdAt)
                #expect(created > before && created < Date().addingTimeInterval(2))
            }
        }
    }

    @Test(arguments: BackendKind.allCases) func `a second start replaces the first`(_ kind: BackendKind) async throws {
        try await conform(kind) { backend in
            var workspace = makeSpecification()
            try await withWorkspace(workspace, on: backend.provisioner) {
                _ = try await backend.provisioner.start(workspace)
                workspace.token = "rotated-\(workspace.token)"
                let second = try await backend.provisioner.start(workspace)
                #expect(await backend.provisioner.isRunning(workspace.id) == .running(url: second.url))
                #expect(try await backend.fileAtStart(workspace, ".auth_token") == workspace.token)
                #expect(try await entries(backend, of: workspace.id).count == 2)
            }
        }
    }

    @Test(arguments: BackendKind.allCases) func `a stopped one is gone, its volume is not`(_ kind: BackendKind)
        async throws
    {
        try await conform(kind) { backend in
            let workspace = makeSpecification()
            try await withWorkspace(workspace, on: backend.provisioner) {
                _ = try await backend.provisioner.start(workspace)
                try await backend.provisioner.stop(workspace.id)
                #expect(await backend.provisioner.isRunning(workspace.id) == .gone)
                #expect(try await entries(backend, of: workspace.id).map(\.kind) == [.volume])
                try await backend.provisioner.stop(workspace.id)
            }
        }
    }

    @Test(arguments: BackendKind.allCases) func `what never was counts as stopped and removed`(_ kind: BackendKind)
        async throws
    {
        try await conform(kind) { backend in
            let id = UUID()
            try await backend.provisioner.stop(id)
            try await backend.provisioner.removeVolume(id)
            #expect(await backend.provisioner.isRunning(id) == .gone)
        }
    }

    @Test(arguments: BackendKind.allCases) func `a volume in use stays`(_ kind: BackendKind) async throws {
        try await conform(kind) { backend in
            let workspace = makeSpecification()
            try await withWorkspace(workspace, on: backend.provisioner) {
                _ = try await backend.provisioner.start(workspace)
                let error = await failure { try await backend.provisioner.removeVolume(workspace.id) }
                #expect(error?.kind == .conflict)
                #expect(try await entries(backend, of: workspace.id).count == 2)
                try await backend.provisioner.stop(workspace.id)
                try await backend.provisioner.removeVolume(workspace.id)
                #expect(try await entries(backend, of: workspace.id).isEmpty)
                try await backend.provisioner.removeVolume(workspace.id)
            }
        }
    }

    @Test(arguments: BackendKind.allCases) func `a broken backend throws, and its workspaces count as running`(
        _ kind: BackendKind
    ) async throws {
        try await conform(kind, breakable: true) { backend in
            let workspace = makeSpecification()
            try await withWorkspace(workspace, on: backend.provisioner) {
                _ = try await backend.provisioner.start(workspace)
                try await backend.setBroken(true)
                let errors = await failures(of: backend.provisioner, workspace)
                let state = await backend.provisioner.isRunning(workspace.id)
                try await backend.setBroken(false)

                #expect(errors.map(\.kind) == Array(repeating: .unavailable, count: 4))
                #expect(errors.filter { !$0.isTransient }.isEmpty)
                #expect(
                    errors.map(\.message) == [
                        "workspace start failed", "workspace stop failed", "workspace volume removal failed",
                        "provisioner not available",
                    ])
                #expect(state.isRunning && state.error?.isTransient == true)
                for text in errors.flatMap({ [$0.message, $0.detail] }) + [state.error?.detail ?? ""] {
                    for secret in [workspace.token, "sk-secret-of-the-test", "plane-token"] {
                        #expect(!text.contains(secret), "\(text)")
                    }
                }
                _ = try await backend.provisioner.start(workspace)
                #expect(await backend.provisioner.isRunning(workspace.id).error == nil)
            }
        }
    }

    @Test(arguments: BackendKind.allCases) func `a runtime without an image is refused`(_ kind: BackendKind)
        async throws
    {
        try await conform(kind) { backend in
            let unknown = makeSpecification(runtime: "cobol")
            let error = await failure { try await backend.provisioner.start(unknown) }
            #expect(error?.kind == .unknownRuntime)
            #expect(error?.message == "workspace start failed")
            let left = try await entries(backend, of: unknown.id)
            #expect(left.isEmpty)
        }
    }

    @Test(arguments: [BackendKind.engine, .controlPlane], Unstartable.allCases)
    func `refuses what no backend could start`(_ kind: BackendKind, _ what: Unstartable) async throws {
        try await conform(kind) { backend in
            let workspace = what.applied(to: makeSpecification())
            let error = await failure { try await backend.provisioner.start(workspace) }
            #expect(error?.kind == .invalid && error?.isTransient == false)
            let left = try await entries(backend, of: workspace.id)
            #expect(left.isEmpty)
        }
    }
}

/// Specifications that are wrong in themselves.
enum Unstartable: String, CaseIterable, Sendable {
    case emptyToken, variableWithEquals, variableWithoutName, nullInValue, pathAbove, absolutePath, tokenAsFile
    case relativeFolder, folderAbove, accessWithoutFolder

    func applied(to specification: WorkspaceSpecification) -> WorkspaceSpecification {
        var workspace = specification
        switch self {
        case .emptyToken: workspace.token = ""
        case .variableWithEquals: workspace.environment["A=B"] = "c"
        case .variableWithoutName: workspace.environment[""] = "c"
        case .nullInValue: workspace.environment["A"] = "b\u{0}c"
        case .pathAbove: workspace.files = [ConfigurationFile(path: "a/../../b", bytes: [])]
        case .absolutePath: workspace.files = [ConfigurationFile(path: "/etc/passwd", bytes: [])]
        case .tokenAsFile: workspace.files = [ConfigurationFile(path: ".auth_token", bytes: [])]
        case .relativeFolder: workspace.workspaceDirectory = "home"
        case .folderAbove: workspace.workspaceDirectory = "/home/../etc"
        case .accessWithoutFolder: workspace.access = .readWrite
        }
        return workspace
    }
}
