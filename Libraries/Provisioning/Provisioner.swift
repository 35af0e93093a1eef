import Foundation

/// What starts and stops the machines that workspaces run on: a container engine, a control plane, or nothing.
///
/// Everything is idempotent: whoever died in the middle of a call makes the same call again. All calls have
/// deadlines of their own and may be made from any task, by any number of instances.
package protocol Provisioner: Sendable {
    /// False only where no backend is configured: then everything throws `noBackend`.
    var isConfigured: Bool { get }

    /// Starts a workspace, in place of one that is there already, and returns when its first process runs.
    ///
    /// The token and the files are in the config volume before that process begins.
    ///
    /// - Returns: where the platform reaches it. It may take a while longer until its agent answers.
    func start(_ specification: WorkspaceSpecification) async throws(ProvisioningError) -> StartedWorkspace

    /// Stops a workspace and removes its container; the config volume stays.
    ///
    /// Succeeds when it is gone already. Throws on anything else: then it may still run, and its volume must be kept.
    func stop(_ workspace: WorkspaceName) async throws(ProvisioningError)

    /// Whether a workspace runs. "Running" together with an error when that cannot be found out.
    func isRunning(_ workspace: WorkspaceName) async -> RunningState

    /// Removes a workspace's config volume with the token in it.
    ///
    /// Succeeds when there is none. Throws on anything else, for instance when a container still uses it.
    func removeVolume(_ workspace: WorkspaceName) async throws(ProvisioningError)

    /// Every container and config volume named after a workspace, whoever made it: see ``ManagedWorkspace/isOurs``.
    func listManaged() async throws(ProvisioningError) -> [ManagedWorkspace]

    /// Whether it copies files into containers and out of them; else the two calls below throw `noBackend`.
    var copiesFiles: Bool { get }

    /// Copies files into a folder of a workspace's container, in one go. What is missing of the folder is made.
    ///
    /// - Parameter folder: absolute and clean.
    /// - Throws: `missing` when there is no container, `unsafePath` when something of the folder is a link or no folder.
    func copy(
        _ files: [OutgoingFile], to folder: String, of workspace: WorkspaceName
    ) async throws(ProvisioningError)

    /// Finds a regular file of a workspace's container.
    ///
    /// - Parameter path: absolute and clean.
    /// - Throws: `missing` when there is no container or no such file, `unsafePath` when it is no regular file, or
    ///   something of its path a link.
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

/// Where a workspace that was just started is reached.
package struct StartedWorkspace: Sendable, Hashable {
    /// `http://127.0.0.1:<port>`, or `http://ws-<12>:8000` when this process runs in a container itself.
    package let url: String

    package init(url: String) { self.url = url }
}

/// Whether a workspace runs, as far as can be said.
package struct RunningState: Sendable, Hashable {
    /// True as well when ``error`` says that nobody knows: a silent engine is no reason to declare its agents dead.
    package let isRunning: Bool
    /// Where it is reached now, when it runs and that is known. An engine that was restarted may have given it
    /// another port than it had at its start.
    package let url: String?
    /// Why it could not be found out.
    package let error: ProvisioningError?

    /// It runs.
    package static func running(url: String?) -> RunningState { RunningState(isRunning: true, url: url, error: nil) }
    /// There is no such container, or its process has ended for good.
    package static let gone = RunningState(isRunning: false, url: nil, error: nil)
    /// Nobody knows, which counts as running.
    package static func unknown(_ error: ProvisioningError) -> RunningState {
        RunningState(isRunning: true, url: nil, error: error)
    }

    private init(isRunning: Bool, url: String?, error: ProvisioningError?) {
        self.isRunning = isRunning
        self.url = url
        self.error = error
    }
}
