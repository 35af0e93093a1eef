/// The backend when none is configured: external agents work, containers do not.
package struct NoProvisioner: Provisioner {
    package init() {}

    package var isConfigured: Bool { false }

    package func start(_ specification: WorkspaceSpecification) async throws(ProvisioningError) -> StartedWorkspace {
        throw ProvisioningError(.noBackend, .start)
    }

    package func stop(_ workspace: WorkspaceName) async throws(ProvisioningError) {
        throw ProvisioningError(.noBackend, .stop)
    }

    package func isRunning(_ workspace: WorkspaceName) async -> RunningState {
        .unknown(ProvisioningError(.noBackend, .inspect))
    }

    package func removeVolume(_ workspace: WorkspaceName) async throws(ProvisioningError) {
        throw ProvisioningError(.noBackend, .removeVolume)
    }

    package func listManaged() async throws(ProvisioningError) -> [ManagedWorkspace] {
        throw ProvisioningError(.noBackend, .list)
    }
}
