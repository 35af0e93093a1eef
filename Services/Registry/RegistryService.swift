import Configuration
import Contracts
import HTTPServer
import ServiceHost

/// The service that keeps the truth about workspaces: who there is, where, in what state.
package enum RegistryService: HostedService {
    package struct Settings: Sendable {
        var hasTestTokens: Bool
    }

    package static let name = ServiceName.registry

    package static func settings(_ reader: ConfigurationReader) -> Settings {
        Settings(
            hasTestTokens: reader.bool(
                "MOLECULE_ENABLE_TEST_TOKENS", default: false, "Serves /admin/workspaces/{id}/test-token."))
    }

    package static func assemble(_ context: ServiceContext, _ settings: Settings) throws -> ServiceParts {
        let addresses = RegistrationAddressCheck(context)
        var router = Router()
        RegistrationRoutes(
            context: context, store: RegistrationStore(postgres: context.postgres, source: context.source),
            ingest: HeartbeatIngest(context), addresses: addresses
        ).add(to: &router)
        DiscoveryRoutes(context: context, store: PeerStore(postgres: context.postgres), addresses: addresses)
            .add(to: &router)
        WorkspaceRoutes(
            context: context, store: WorkspaceStore(postgres: context.postgres, source: context.source),
            addresses: addresses
        ).add(to: &router)
        TokenRoutes(
            context: context, store: WorkspaceTokenStore(postgres: context.postgres, source: context.source),
            hasTestTokens: settings.hasTestTokens || context.configuration.isDevelopment
        ).add(to: &router)
        return ServiceParts(router: router)
    }
}
