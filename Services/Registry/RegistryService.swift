import Configuration
import Contracts
import Lifecycle
import Secrets
import ServiceHost
import UVHTTPServer
import UVLoop

/// The source of truth about workspaces: which exist, their addresses and their status.
package enum RegistryService: HostedService {
    package struct Settings: Sendable {
        var hasTestTokens: Bool
        var lifecycle: LifecycleSettings
    }

    package static let name = ServiceName.registry

    package static func settings(_ reader: ConfigurationReader) -> Settings {
        Settings(
            hasTestTokens: reader.bool(
                "MOLECULE_ENABLE_TEST_TOKENS", default: false, "Serves /admin/workspaces/{id}/test-token."),
            lifecycle: LifecycleSettings(reader, isDevelopment: CommonConfiguration.isDevelopment(reader)))
    }

    package static func assemble(_ context: ServiceContext, _ settings: Settings) throws -> ServiceParts {
        let addresses = RegistrationAddressCheck(context)
        let lifecycle = LifecycleParts(
            settings.lifecycle, postgres: context.postgres, relay: context.relay, source: context.source,
            instance: context.instance, platformURL: context.configuration.platformURL, loops: context.loops,
            logger: context.logger, metrics: context.metrics)
        var router = Router()
        RegistrationRoutes(
            context: context, store: RegistrationStore(postgres: context.postgres, source: context.source),
            ingest: HeartbeatIngest(context), addresses: addresses
        ).add(to: &router)
        DiscoveryRoutes(context: context, store: PeerStore(postgres: context.postgres), addresses: addresses)
            .add(to: &router)
        WorkspaceRoutes(
            context: context, store: WorkspaceStore(postgres: context.postgres, source: context.source),
            peers: PeerStore(postgres: context.postgres), addresses: addresses, lifecycle: lifecycle
        ).add(to: &router)
        let changes = LifecycleRoutes(
            context: context, store: lifecycle.store, worker: lifecycle.worker,
            jobWaiter: JobWaiter(jobs: lifecycle.jobs, loops: context.loops))
        changes.add(to: &router)
        let fleet = FleetStore(postgres: context.postgres)
        FleetRoutes(context: context, store: fleet, lifecycle: lifecycle).add(to: &router)
        BulkRoutes(context: context, fleet: fleet, lifecycle: changes).add(to: &router)
        TokenRoutes(
            context: context, store: WorkspaceTokenStore(postgres: context.postgres, source: context.source),
            hasTestTokens: settings.hasTestTokens || context.configuration.isDevelopment
        ).add(to: &router)
        addConfiguration(context, to: &router)
        TemplateRoutes(context: context, templates: lifecycle.templates).add(to: &router)
        SecretRoutes(context: context, store: lifecycle.secrets, vault: lifecycle.vault).add(to: &router)
        let rotation = SecretRotation(vault: lifecycle.vault, loop: context.loops.loops[0], logger: context.logger)
        let isRotating = settings.lifecycle.secretKeys.isRotating
        return ServiceParts(router: router, services: lifecycle.services + (isRotating ? [rotation] : []))
    }

    /// The routes by which operators and agents change existing workspaces.
    private static func addConfiguration(_ context: ServiceContext, to router: inout Router) {
        let (postgres, source) = (context.postgres, context.source)
        WorkspaceUpdateRoutes(context: context, store: WorkspaceUpdateStore(postgres: postgres, source: source))
            .add(to: &router)
        WorkspaceStateRoutes(context: context, store: WorkspaceStateStore(postgres: postgres, source: source))
            .add(to: &router)
        BudgetRoutes(context: context, store: BudgetStore(postgres: postgres, source: source)).add(to: &router)
        AuditRoutes(context: context, store: AuditRecordStore(postgres: postgres)).add(to: &router)
        OrgTokenRoutes(context: context, store: OrgTokenStore(postgres: postgres, source: source)).add(to: &router)
    }
}
