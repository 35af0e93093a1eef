import Authentication
import Contracts
import EventOutbox
import Foundation
import Observability
import PlatformInternals
import Provisioning
import Secrets
import Templates

/// Does one job: asks the provisioner, and says how it ended.
package struct JobRunner: Sendable {
    let provisioner: any Provisioner
    let starts: StartStore
    let relay: EventRelay
    let vault: SecretVault
    let templates: TemplateCatalog
    /// Where agents in containers reach the platform.
    let platformURL: String
    let logger: Logger

    func run(_ job: LifecycleJob) async throws -> JobOutcome {
        do {
            switch job.kind {
            case .start, .restart: return try await start(job)
            case .stop, .remove: return try await stop(job)
            }
        } catch let error as ProvisioningError {
            logger.warning(
                "provisioner failed",
                [.workspaceID: .uuid(job.workspace), .attempt: .int(job.attempts + 1), .error: .error(error)])
            return JobRule.outcome(of: error, job)
        }
    }

    private func start(_ job: LifecycleJob) async throws -> JobOutcome {
        let environment: [String: String]
        do {
            environment = try await vault.environment(forStartOf: job.workspace)
        } catch let error as SecretError {
            logger.warning(
                "workspace not started", [.workspaceID: .uuid(job.workspace), .reason: .string(error.description)])
            return .startFailed(error.description)
        }
        // Whatever can fail is looked at before the old token ends: what runs now may go on.
        let template = try await starts.template(of: job.workspace)
        let files: [ConfigurationFile]
        do throws(TemplateError) {
            files = try await self.files(of: template)
        } catch {
            logger.warning(
                "template not usable", [.workspaceID: .uuid(job.workspace), .error: .string(error.description)])
            return .startFailed(ErrorMessage.workspaceStartFailed)
        }
        guard let request = try await starts.begin(job) else { return .obsolete }
        relay.committed(request.events)
        let specification = WorkspaceSpecification(
            id: job.workspace, runtime: request.runtime, tier: request.tier,
            environment: self.environment(of: job.workspace, request, secrets: environment),
            token: request.token.secret, files: files, workspaceDirectory: request.directory,
            access: request.directory == nil ? .none : request.access)
        logger.info("workspace is being started", [.workspaceID: .uuid(job.workspace)])
        let started = try await provisioner.start(specification)
        logger.info("workspace started", [.workspaceID: .uuid(job.workspace), .url: .string(started.url)])
        return .started(url: started.url)
    }

    /// The platform's own names win: a secret must not send an agent elsewhere.
    private func environment(
        of workspace: UUID, _ request: StartRequest, secrets: [String: String]
    ) -> [String: String] {
        var all = secrets
        all["PLATFORM_URL"] = platformURL
        all["TIER"] = String(request.tier)
        all["AWARENESS_NAMESPACE"] = "workspace:\(workspace.lowercased)"
        if let model = request.model { all["MODEL"] = model }
        return all
    }

    private func files(of name: String?) async throws(TemplateError) -> [ConfigurationFile] {
        guard let name else { return [] }
        return try await templates.files(of: name).map { ConfigurationFile(path: $0.path, bytes: $0.bytes) }
    }

    private func stop(_ job: LifecycleJob) async throws -> JobOutcome {
        try await provisioner.stop(job.workspace)
        if job.removesVolume { try await provisioner.removeVolume(job.workspace) }
        logger.info("workspace stopped", [.workspaceID: .uuid(job.workspace)])
        return .stopped
    }
}
