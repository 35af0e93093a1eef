import Configuration
import Observability
import Postgres
import Provisioning
import Secrets
import ServiceHost
import ServiceLifecycle
import Templates
import UVLoop

/// What starts and stops workspaces, as the environment has it: the same in every service that does.
package struct LifecycleSettings: Sendable {
    package var provisioner: ProvisionerSettings
    /// Where agents that we start reach the platform; `nil` for where everybody else does.
    package var agentPlatformURL: String?
    package var secretKeys: SecretKeys
    /// The folder of templates; `nil` for none.
    package var templates: String?

    package init(_ reader: ConfigurationReader) {
        provisioner = ProvisionerSettings(reader)
        agentPlatformURL = reader.optionalURL(
            "AGENT_PLATFORM_URL", schemes: ["http", "https"],
            "Where agents that we start reach the platform, if not at PLATFORM_URL.")
        secretKeys = SecretKeys.read(reader, isDevelopment: CommonConfiguration.isDevelopment(reader))
        templates = TemplateCatalog.path(reader)
        let hasBackend = if case .none = provisioner.backend { false } else { true }
        if hasBackend, agentPlatformURL == nil, !reader.isSet("PLATFORM_URL") {
            reader.problem("AGENT_PLATFORM_URL", expected: "a URL, unless PLATFORM_URL is set")
        }
    }
}

/// The parts of a service that does lifecycle jobs.
package struct LifecycleParts: Sendable {
    package let provisioner: any Provisioner
    package let store: LifecycleStore
    package let jobs: JobStore
    /// Does jobs where there is a backend to do them with; what others ask for meanwhile waits for who has one.
    package let worker: LifecycleWorker
    /// What the service has to run.
    package var services: [any Service] { provisioner.isConfigured ? [worker] : [] }
    package let secrets: SecretStore
    package let vault: SecretVault
    package let templates: TemplateCatalog

    package init(_ settings: LifecycleSettings, _ context: ServiceContext) {
        let (postgres, source) = (context.postgres, context.source)
        var engine = settings.provisioner
        if engine.instance.configured == nil {
            let instances = InstanceStore(postgres: postgres)
            engine.instance = PlatformInstance(storedBy: { try await instances.id() })
        }
        provisioner = engine.makeProvisioner(loops: context.loops, logger: context.logger)
        store = LifecycleStore(postgres: postgres, source: source, hasProvisioner: provisioner.isConfigured)
        jobs = JobStore(postgres: postgres, source: source)
        templates = TemplateCatalog(path: settings.templates, loops: context.loops, logger: context.logger)
        secrets = SecretStore(postgres: postgres)
        vault = SecretVault(store: secrets, keys: settings.secretKeys) { [store] place, transaction in
            try await store.secretChanged(of: place.workspace, key: place.key, transaction)
        }
        let runner = JobRunner(
            provisioner: provisioner, starts: StartStore(postgres: postgres, source: source), relay: context.relay,
            vault: vault, templates: templates,
            platformURL: settings.agentPlatformURL ?? context.configuration.platformURL ?? "", logger: context.logger)
        worker = LifecycleWorker(
            store: jobs, runner: runner, relay: context.relay, loop: context.loops.next(),
            instance: context.instance, logger: context.logger, metrics: context.metrics)
    }
}
