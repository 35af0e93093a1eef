import Foundation
import HTTPCore
import JSONBytes
import Observability

extension ContainerEngine {
    package func start(_ specification: WorkspaceSpecification) async throws(ProvisioningError) -> StartedWorkspace {
        try specification.check()
        guard let image = settings.images.image(for: specification.runtime) else {
            throw ProvisioningError(.unknownRuntime, .start, detail: specification.runtime)
        }
        let secrets = SecretText(specification, and: [settings.credentials?.token])
        let labels = WorkspaceLabels(instance: try await settings.instance.id(for: .start))
        let step = StartStep(
            engine: self, client: client.redacting(secrets), workspace: specification,
            name: WorkspaceName(specification.id), labels: labels)
        return try await step.run(image: image)
    }
}

/// One start of one workspace. What it leaves behind when it is interrupted, the next start replaces.
private struct StartStep {
    let engine: ContainerEngine
    let client: BackendClient
    let workspace: WorkspaceSpecification
    let name: WorkspaceName
    let labels: WorkspaceLabels

    func run(image: String) async throws(ProvisioningError) -> StartedWorkspace {
        // Everything that may take long or fail permanently comes before the old container is removed.
        let owner = try await client.ensureImage(image, settings: engine.settings)
        let archive = try archive(for: owner)
        try await ensureNetwork()
        try await engine.remove(name, for: .start)
        try await ensureVolume()
        let container = try await create(image)
        do {
            try await write(archive, into: container)
            return try await launch(container)
        } catch {
            await discard(container)
            throw error
        }
    }

    private func ensureNetwork() async throws(ProvisioningError) {
        let found = try await client.send(
            .init(method: .get, target: "/networks/\(WorkspaceName.network)", operation: .start))
        if found.status.isSuccess { return }
        guard found.status == .notFound else { throw found.failure() }
        var body = JSONWriter()
        body.object { writer in
            writer.member("Name", WorkspaceName.network)
            writer.member("Driver", "bridge")
            writer.member("CheckDuplicate", true)
            labels.write(to: &writer)
        }
        let made = try await client.send(
            .init(method: .post, target: "/networks/create", body: body.bytes, operation: .start))
        if made.status.isSuccess { return }
        // Another process may have created it meanwhile, which the engines report in different ways.
        let again = try await client.send(
            .init(method: .get, target: "/networks/\(WorkspaceName.network)", operation: .start))
        guard again.status.isSuccess else { throw made.failure() }
    }

    /// An existing volume is kept, with the agent's own files in it.
    private func ensureVolume() async throws(ProvisioningError) {
        var body = JSONWriter()
        body.object { writer in
            writer.member("Name", name.volume)
            labels.write(to: &writer)
        }
        let response = try await client.send(
            .init(method: .post, target: "/volumes/create", body: body.bytes, operation: .start))
        guard response.status.isSuccess else { throw response.failure() }
    }

    /// - Returns: the container's id: its name may belong to another container a moment later.
    private func create(_ image: String) async throws(ProvisioningError) -> String {
        let body = ContainerSpecification(
            workspace: workspace, name: name, image: image,
            limits: engine.settings.tiers.limits(ofTier: workspace.tier),
            labels: labels)
        let response = try await client.send(
            .init(
                method: .post, target: "/containers/create?name=\(name.container)", body: body.json,
                timeout: .seconds(60), operation: .start))
        guard response.status.isSuccess, let id = try response.json()["Id"]?.string else { throw response.failure() }
        return id
    }

    private func archive(for owner: TarArchive.Owner) throws(ProvisioningError) -> [UInt8] {
        var archive = TarArchive(owner: owner, time: Int(Date().timeIntervalSince1970))
        for file in workspace.files {
            guard archive.add(file.path, mode: 0o644, file.bytes) else {
                throw ProvisioningError(.invalid, .start, detail: "a file's path is too long")
            }
        }
        _ = archive.add(WorkspaceSpecification.tokenFile, mode: 0o600, Array(workspace.token.utf8))
        return archive.finished()
    }

    /// The container is created and not started: files unpacked at the mount point go into the volume.
    private func write(_ archive: [UInt8], into container: String) async throws(ProvisioningError) {
        let response = try await client.send(
            .init(
                method: .put, target: "/containers/\(container)/archive?path=\(WorkspaceName.configsFolder)",
                body: archive, contentType: "application/x-tar", timeout: .seconds(60), operation: .start))
        guard response.status.isSuccess else { throw response.failure() }
    }

    private func launch(_ container: String) async throws(ProvisioningError) -> StartedWorkspace {
        let started = try await client.send(
            .init(
                method: .post, target: "/containers/\(container)/start", timeout: .seconds(60), operation: .start))
        guard started.status.isSuccess || started.status == 304 else { throw started.failure() }
        let inspected = try await engine.inspect(container, for: .start)
        guard inspected.status.isSuccess else { throw inspected.failure() }
        let state = ContainerState(try inspected.json())
        guard state.isAlive, let url = engine.url(of: name, state) else {
            throw ProvisioningError(
                .unavailable, .start, detail: "the container is \(state.status), exit code \(state.exitCode)")
        }
        return StartedWorkspace(url: url)
    }

    /// Removes a container that did not start. When that fails, the next start or a sweep cleans up.
    private func discard(_ container: String) async {
        do throws(ProvisioningError) {
            let response = try await client.send(
                .init(method: .delete, target: "/containers/\(container)?force=true&v=true", operation: .start))
            if response.status.isSuccess || response.isNotFound { return }
            throw response.failure()
        } catch {
            engine.logger.warning(
                "a container that did not start was left behind",
                [.name: .string(name.container), .error: .string(error.description)])
        }
    }
}
