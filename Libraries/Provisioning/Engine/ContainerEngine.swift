import HTTPCore
import JSONBytes
import Observability
import UVHTTPClient
import UVLoop

/// Workspaces as containers of one engine: Docker, or Podman, which serves the same API.
///
/// Paths carry no version: engines then use their own, and the calls made here are the same in all of them.
package struct ContainerEngine: Provisioner {
    let client: BackendClient
    let settings: ProvisionerSettings
    let logger: Logger

    package init(_ address: EngineAddress, settings: ProvisionerSettings, loops: EventLoopGroup, logger: Logger) {
        switch address {
        case .unixSocket(let path): client = BackendClient(loops: loops, base: "http://localhost", socket: path)
        case .server(let url):
            client = BackendClient(loops: loops, base: "\(url.scheme.rawValue)://\(url.authority)")
        }
        self.settings = settings
        self.logger = logger
    }

    package var isConfigured: Bool { true }

    package func stop(_ workspace: WorkspaceName) async throws(ProvisioningError) {
        try await remove(workspace, for: .stop)
    }

    /// Stops a container within the grace period, and removes it. Succeeds when there is none.
    func remove(_ workspace: WorkspaceName, for operation: ProvisioningError.Operation) async throws(ProvisioningError)
    {
        let grace = settings.stopGrace
        let stopped = try await client.send(
            .init(
                method: .post, target: "/containers/\(workspace.container)/stop?t=\(grace.components.seconds)",
                timeout: grace + .seconds(20), operation: operation))
        // A container that cannot be stopped may still be removed by force, and so may one that a crashed engine left
        // half created, which stop does not find: only the removal counts.
        if !stopped.status.isSuccess, stopped.status != 304, !stopped.isNotFound {
            logger.debug(
                "an engine could not stop a container",
                [.name: .string(workspace.container), .error: .string(stopped.explanation)])
        }
        let removed = try await client.send(
            .init(
                method: .delete, target: "/containers/\(workspace.container)?force=true&v=true",
                operation: operation))
        if removed.status.isSuccess || removed.isNotFound { return }
        guard removed.status == .conflict else { throw removed.failure() }
        try await awaitRemoval(of: workspace, removed)
    }

    /// Waits for a removal that is in progress already.
    private func awaitRemoval(
        of workspace: WorkspaceName, _ conflict: BackendClient.BackendResponse
    ) async throws(ProvisioningError) {
        let waited = try await client.send(
            .init(
                method: .post, target: "/containers/\(workspace.container)/wait?condition=removed",
                operation: conflict.operation))
        guard waited.status.isSuccess || waited.isNotFound else { throw conflict.failure() }
    }

    package func isRunning(_ workspace: WorkspaceName) async -> RunningState {
        do {
            let response = try await inspect(workspace.container, for: .inspect)
            if response.isNotFound { return .gone }
            guard response.status.isSuccess else { return .unknown(response.failure()) }
            let state = ContainerState(try response.json())
            return state.isAlive ? .running(url: url(of: workspace, state)) : .gone
        } catch {
            return .unknown(error)
        }
    }

    func inspect(
        _ container: String, for operation: ProvisioningError.Operation
    ) async throws(ProvisioningError) -> BackendClient.BackendResponse {
        try await client.send(
            .init(
                method: .get, target: "/containers/\(container)/json", timeout: settings.inspectTimeout,
                operation: operation))
    }

    /// The URL of a running container; `nil` when its port is not published.
    func url(of workspace: WorkspaceName, _ state: ContainerState) -> String? {
        settings.isInContainer ? workspace.internalURL : state.publishedPort.map { "http://127.0.0.1:\($0)" }
    }

    package func removeVolume(_ workspace: WorkspaceName) async throws(ProvisioningError) {
        // Not by force, which means different things to engines: a volume in use must stay.
        let response = try await client.send(
            .init(method: .delete, target: "/volumes/\(workspace.volume)", operation: .removeVolume))
        guard response.status.isSuccess || response.isNotFound else { throw response.failure() }
    }
}

/// An engine's status of one container.
struct ContainerState {
    /// `running`, `created`, `exited`, ...
    let status: String
    let exitCode: Int
    /// On 127.0.0.1.
    let publishedPort: UInt16?

    /// - Parameter json: the response of `/containers/{id}/json`.
    init(_ json: JSONValue) {
        status = json["State"]?["Status"]?.string ?? ""
        exitCode = json["State"]?["ExitCode"]?.int ?? 0
        let port = json["NetworkSettings"]?["Ports"]?[ContainerSpecification.port]?[0]?["HostPort"]?.string
        publishedPort = port.flatMap { UInt16($0) }.flatMap { $0 > 0 ? $0 : nil }
    }

    var isAlive: Bool { Self.isAlive(status) }

    /// It has a process, or the engine is about to start one again.
    static func isAlive(_ status: String) -> Bool { ["running", "restarting", "paused"].contains(status) }
}
