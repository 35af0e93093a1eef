import EventLoop
import HTTPClient
import HTTPCore
import JSONBytes
import Observability

/// Workspaces as containers of one engine: Docker, or Podman, which serves the same API.
///
/// Paths carry no version: the engines then speak their own, and what is used here is the same in all of them.
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

    /// Ends a container within the grace, and removes it. Succeeds when there is none.
    func remove(_ workspace: WorkspaceName, for operation: ProvisioningError.Operation) async throws(ProvisioningError)
    {
        let grace = settings.stopGrace
        let stopped = try await client.send(
            .init(
                method: .post, target: "/containers/\(workspace.container)/stop?t=\(grace.components.seconds)",
                timeout: grace + .seconds(20), operation: operation))
        // One that cannot be stopped may still be removed by force, and so may what a dead engine left half made, which
        // cannot be found otherwise: only the removal counts.
        if !stopped.status.isSuccess, stopped.status != 304, !stopped.saysGone {
            logger.debug(
                "an engine could not stop a container",
                [.name: .string(workspace.container), .error: .string(stopped.explanation)])
        }
        let removed = try await client.send(
            .init(
                method: .delete, target: "/containers/\(workspace.container)?force=true&v=true",
                operation: operation))
        if removed.status.isSuccess || removed.saysGone { return }
        guard removed.status == .conflict else { throw removed.failure() }
        try await awaitRemoval(of: workspace, removed)
    }

    /// Somebody else is removing it already.
    private func awaitRemoval(
        of workspace: WorkspaceName, _ conflict: BackendClient.Answer
    ) async throws(ProvisioningError) {
        let waited = try await client.send(
            .init(
                method: .post, target: "/containers/\(workspace.container)/wait?condition=removed",
                operation: conflict.operation))
        guard waited.status.isSuccess || waited.saysGone else { throw conflict.failure() }
    }

    package func isRunning(_ workspace: WorkspaceName) async -> RunningState {
        do {
            let answer = try await inspect(workspace.container, for: .inspect)
            if answer.saysGone { return .gone }
            guard answer.status.isSuccess else { return .unknown(answer.failure()) }
            let state = ContainerState(try answer.json())
            return state.isAlive ? .running(url: url(of: workspace, state)) : .gone
        } catch {
            return .unknown(error)
        }
    }

    func inspect(
        _ container: String, for operation: ProvisioningError.Operation
    ) async throws(ProvisioningError) -> BackendClient.Answer {
        try await client.send(
            .init(
                method: .get, target: "/containers/\(container)/json", timeout: settings.inspectTimeout,
                operation: operation))
    }

    /// Where a running container is reached; `nil` when its port is not published.
    func url(of workspace: WorkspaceName, _ state: ContainerState) -> String? {
        settings.isInContainer ? workspace.internalURL : state.publishedPort.map { "http://127.0.0.1:\($0)" }
    }

    package func removeVolume(_ workspace: WorkspaceName) async throws(ProvisioningError) {
        // Not by force, by which engines mean different things: a volume in use must stay.
        let answer = try await client.send(
            .init(method: .delete, target: "/volumes/\(workspace.volume)", operation: .removeVolume))
        guard answer.status.isSuccess || answer.saysGone else { throw answer.failure() }
    }
}

/// What an engine says about one container.
struct ContainerState {
    /// `running`, `created`, `exited`, ...
    let status: String
    let exitCode: Int
    /// Of 127.0.0.1.
    let publishedPort: UInt16?

    /// - Parameter json: the answer of `/containers/{id}/json`.
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
