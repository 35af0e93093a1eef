import Configuration
import EventLoop
import Observability
import PostgresClient
import Provisioning
import ServiceHost

/// What starts and stops workspaces, as the environment has it: the same in every service that does.
package struct LifecycleSettings: Sendable {
    package var provisioner: ProvisionerSettings
    /// Where agents that we start reach the platform; `nil` for where everybody else does.
    package var agentPlatformURL: String?

    package init(_ reader: ConfigurationReader) {
        provisioner = ProvisionerSettings(reader)
        agentPlatformURL = reader.optionalURL(
            "AGENT_PLATFORM_URL", schemes: ["http", "https"],
            "Where agents that we start reach the platform, if not at PLATFORM_URL.")
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
    package let worker: LifecycleWorker

    /// - Parameters:
    ///   - secrets: what goes into a workspace's environment.
    ///   - files: what goes into its config volume, by the template's name.
    package init(
        _ settings: LifecycleSettings, _ context: ServiceContext, secrets: @escaping JobRunner.Secrets,
        files: @escaping JobRunner.Files
    ) {
        let (postgres, source) = (context.postgres, context.source)
        provisioner = settings.provisioner.makeProvisioner(loops: context.loops, logger: context.logger)
        store = LifecycleStore(postgres: postgres, source: source, hasProvisioner: provisioner.isConfigured)
        jobs = JobStore(postgres: postgres, source: source)
        let runner = JobRunner(
            provisioner: provisioner, starts: StartStore(postgres: postgres, source: source), relay: context.relay,
            secrets: secrets, files: files,
            platformURL: settings.agentPlatformURL ?? context.configuration.platformURL ?? "", logger: context.logger)
        worker = LifecycleWorker(
            store: jobs, runner: runner, relay: context.relay, loop: context.loops.next(),
            instance: context.instance, logger: context.logger, metrics: context.metrics)
    }
}
