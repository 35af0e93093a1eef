import Foundation

/// A backend that starts and stops workspaces: a container engine, a control plane, or none.
///
/// All calls are idempotent, so that an interrupted one can be repeated. They have deadlines of their own and may be
/// made from any task, by any number of instances.
package protocol Provisioner: Sendable {
    /// False only when no backend is configured: then all calls throw `noBackend`.
    var isConfigured: Bool { get }

    /// Starts a workspace, replacing a running one, and returns when its first process runs.
    ///
    /// The token and the files are in the config volume before that process begins.
    ///
    /// - Returns: its URL for the platform. It may take a while longer until its agent responds.
    func start(_ specification: WorkspaceSpecification) async throws(ProvisioningError) -> StartedWorkspace

    /// Stops a workspace and removes its container; the config volume stays.
    ///
    /// Succeeds when it does not exist. When it throws, the workspace may still run, and its volume must be kept.
    func stop(_ workspace: WorkspaceName) async throws(ProvisioningError)

    /// Whether a workspace runs. "Running" together with an error when the backend does not respond.
    func isRunning(_ workspace: WorkspaceName) async -> RunningState

    /// Removes a workspace's config volume with the token in it.
    ///
    /// Succeeds when there is none. Throws for instance when a container still uses it.
    func removeVolume(_ workspace: WorkspaceName) async throws(ProvisioningError)

    /// All containers and config volumes named after workspaces, of any instance: see ``ManagedWorkspace/belongsToInstance``.
    func listManaged() async throws(ProvisioningError) -> [ManagedWorkspace]

    /// Whether it copies files into containers and out of them; if not, the two calls below throw `noBackend`.
    var copiesFiles: Bool { get }

    /// Copies files into a folder of a workspace's container in one call. Missing folders are created.
    ///
    /// - Parameter folder: absolute and clean.
    /// - Throws: `missing` when there is no container, `unsafePath` when a part of its path is a link or no folder.
    func copy(
        _ files: [OutgoingFile], to folder: String, of workspace: WorkspaceName
    ) async throws(ProvisioningError)

    /// Finds a regular file of a workspace's container.
    ///
    /// - Parameter path: absolute and clean.
    /// - Throws: `missing` when there is no container or no such file, `unsafePath` when it is no regular file, or a
    ///   part of its path is a link.
    func findFile(_ path: String, of workspace: WorkspaceName) async throws(ProvisioningError) -> ContainerFile
}

extension Provisioner {
    package var copiesFiles: Bool { false }

    package func copy(
        _ files: [OutgoingFile], to folder: String, of workspace: WorkspaceName
    ) async throws(ProvisioningError) {
        throw ProvisioningError(.noBackend, .copyIn)
    }

    package func findFile(
        _ path: String, of workspace: WorkspaceName
    ) async throws(ProvisioningError) -> ContainerFile {
        throw ProvisioningError(.noBackend, .copyOut)
    }

    /// As ``stop(_:)-(WorkspaceName)``, by the id.
    package func stop(_ workspace: UUID) async throws(ProvisioningError) { try await stop(WorkspaceName(workspace)) }

    /// As ``isRunning(_:)-(WorkspaceName)``, by the id.
    package func isRunning(_ workspace: UUID) async -> RunningState { await isRunning(WorkspaceName(workspace)) }

    /// As ``removeVolume(_:)-(WorkspaceName)``, by the id.
    package func removeVolume(_ workspace: UUID) async throws(ProvisioningError) {
        try await removeVolume(WorkspaceName(workspace))
    }
}

/// A workspace that was just started.
package struct StartedWorkspace: Sendable, Hashable {
    /// `http://127.0.0.1:<port>`, or `http://ws-<12>:8000` when this process runs in a container itself.
    package let url: String

    package init(url: String) { self.url = url }
}

/// Whether a workspace runs, as far as is known.
package struct RunningState: Sendable, Hashable {
    /// True also when ``error`` is set: an engine that does not respond is no reason to count its agents as offline.
    package let isRunning: Bool
    /// Its current URL, when it runs and the URL is known. An engine that was restarted may have assigned another port
    /// than at its start.
    package let url: String?
    /// Why the state is unknown.
    package let error: ProvisioningError?

    /// It runs.
    package static func running(url: String?) -> RunningState { RunningState(isRunning: true, url: url, error: nil) }
    /// There is no such container, or its process has ended and will not be restarted.
    package static let gone = RunningState(isRunning: false, url: nil, error: nil)
    /// The state is unknown, which counts as running.
    package static func unknown(_ error: ProvisioningError) -> RunningState {
        RunningState(isRunning: true, url: nil, error: error)
    }

    private init(isRunning: Bool, url: String?, error: ProvisioningError?) {
        self.isRunning = isRunning
        self.url = url
        self.error = error
    }
}
