import Configuration
import EventOutbox
import Observability
import Postgres
import Provisioning
import Secrets
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

    /// Reads them.
    ///
    /// - Parameter isDevelopment: secrets may be kept without a key then.
    package init(_ reader: ConfigurationReader, isDevelopment: Bool) {
        provisioner = ProvisionerSettings(reader)
        agentPlatformURL = reader.optionalURL(
            "AGENT_PLATFORM_URL", schemes: ["http", "https"],
            "Where agents that we start reach the platform, if not at PLATFORM_URL.")
        secretKeys = SecretKeys.read(reader, isDevelopment: isDevelopment)
        templates = TemplateCatalog.path(reader)
        let hasBackend = if case .none = provisioner.backend { false } else { true }
        if hasBackend, agentPlatformURL == nil, !reader.isSet("PLATFORM_URL") {
            reader.problem("AGENT_PLATFORM_URL", expected: "a URL, unless PLATFORM_URL is set")
        }
    }
}

/// The parts of a service that does lifecycle jobs, assembled here for all that do.
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

    /// Assembles them.
    ///
    /// - Parameters:
    ///   - source: the `source` of the service's events.
    ///   - instance: unique to the process; owns the leases of jobs.
    ///   - platformURL: where everybody else reaches the platform; for agents that nothing else is configured for.
    package init(
        _ settings: LifecycleSettings, postgres: PostgresPool, relay: EventRelay, source: String, instance: String,
        platformURL: String?, loops: EventLoopGroup, logger: Logger, metrics: MetricsRegistry
    ) {
        var engine = settings.provisioner
        if engine.instance.configured == nil {
            let instances = InstanceStore(postgres: postgres)
            engine.instance = PlatformInstance(storedBy: { try await instances.id() })
        }
        provisioner = engine.makeProvisioner(loops: loops, logger: logger)
        store = LifecycleStore(postgres: postgres, source: source, hasProvisioner: provisioner.isConfigured)
        jobs = JobStore(postgres: postgres, source: source)
        templates = TemplateCatalog(path: settings.templates, loops: loops, logger: logger)
        secrets = SecretStore(postgres: postgres)
        vault = SecretVault(store: secrets, keys: settings.secretKeys) { [store] place, transaction in
            try await store.secretChanged(of: place.workspace, key: place.key, transaction)
        }
        let runner = JobRunner(
            provisioner: provisioner, starts: StartStore(postgres: postgres, source: source), relay: relay,
            vault: vault, templates: templates, platformURL: settings.agentPlatformURL ?? platformURL ?? "",
            logger: logger)
        worker = LifecycleWorker(
            store: jobs, runner: runner, relay: relay, loop: loops.next(), instance: instance, logger: logger,
            metrics: metrics)
    }
}
