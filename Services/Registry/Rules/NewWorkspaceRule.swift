import Authentication
import Contracts
import Foundation
import HTTPCore
import JSONBytes
import PlatformInternals
import ServiceHost
import Templates
import UVHTTPServer

/// Turns a request to create a workspace into its validated values, its initial status and its events.
enum NewWorkspaceRule {
    /// Scalars, since a combining mark would make another `Character` of one.
    private static let forbiddenInNames = Set("{}[]|>*&!".unicodeScalars)
    /// System folders that no workspace may use.
    private static let systemFolders = [
        "/bin", "/boot", "/dev", "/etc", "/lib", "/lib64", "/proc", "/root", "/run", "/sbin", "/sys", "/usr", "/var",
    ]

    /// - Parameters:
    ///   - template: defaults for absent fields of the request; empty when it names none.
    ///   - isDevelopment: an agent with a known address may register without a token, and gets one then.
    /// - Throws: `APIError` 400 naming the field.
    static func workspace(
        _ request: CreateWorkspaceRequest, template: TemplateConfiguration = TemplateConfiguration(),
        hasProvisioner: Bool, isDevelopment: Bool
    ) throws(APIError) -> NewWorkspace {
        try check(name: request.name)
        try check("role", request.role, upTo: Limits.workspaceRole, isName: true)
        try check("model", request.model, upTo: Limits.workspaceModel)
        try check("runtime", request.runtime, upTo: Limits.workspaceModel)
        try check("template", request.template, upTo: Limits.templateName)
        try check(directory: request.workspaceDirectory)
        try check(numbers: request)
        var request = request
        if request.url?.isEmpty == true { request.url = nil }
        if request.template?.isEmpty == true { request.template = nil }
        if request.model?.isEmpty != false { request.model = template.model }
        request.maxConcurrentTasks = request.maxConcurrentTasks ?? template.maxConcurrentTasks
        let runtime = request.runtime.flatMap { $0.isEmpty ? nil : $0 } ?? template.runtime ?? "langgraph"
        var new = NewWorkspace(
            request: request, runtime: runtime, isExternal: request.external || runtime == "external",
            status: .provisioning, access: request.workspaceAccess ?? .none)
        new.schedules = template.schedules
        if new.isExternal {
            awaitAgent(&new)
            if !isDevelopment || new.request.url == nil { new.token = WorkspaceToken.make() }
        } else {
            start(&new, hasProvisioner: hasProvisioner)
        }
        return new
    }

    private static func start(_ new: inout NewWorkspace, hasProvisioner: Bool) {
        let runtime = new.runtime
        guard hasProvisioner else {
            // It can never be started: fail immediately and not after a timeout.
            new.status = .failed
            new.statusReason = ErrorMessage.provisionerNotAvailable
            new.events = [
                (
                    .workspaceProvisionFailed,
                    WorkspaceJSON.object { writer in
                        writer.member("error", ErrorMessage.provisionerNotAvailable)
                        writer.member("source", "create")
                        writer.member("runtime", runtime)
                    }
                )
            ]
            return
        }
        new.isStartedByPlatform = true
        new.events = [(.workspaceProvisioning, nil)]
    }

    private static func awaitAgent(_ new: inout NewWorkspace) {
        let name = new.request.name
        if let url = new.request.url {
            new.status = .online
            new.events = [(.workspaceOnline, WorkspaceJSON.object { $0.member("url", url) })]
        } else {
            new.status = .awaitingAgent
            new.events = [
                (
                    .workspaceAwaitingAgent,
                    WorkspaceJSON.object { writer in
                        writer.member("name", name)
                        writer.member("external", true)
                    }
                )
            ]
        }
    }

    // MARK: - Checks

    static func check(name: String) throws(APIError) {
        try check("name", name, upTo: Limits.workspaceName, isName: true)
        if name.trimmingCharacters(in: .whitespaces).isEmpty { throw invalid("name", "is required") }
    }

    static func check(
        _ field: String, _ value: String?, upTo limit: Int, isName: Bool = false
    ) throws(APIError) {
        guard let value else { return }
        try APIError.check(field, value, upTo: limit, orError: ErrorMessage.invalidWorkspaceFields)
        if value.contains(where: \.isNewline) || value.utf8.contains(0) {
            throw invalid(field, "must be a single line")
        }
        if isName, value.unicodeScalars.contains(where: forbiddenInNames.contains) {
            throw invalid(field, "must not contain any of {}[]|>*&!")
        }
    }

    static func check(directory: String?) throws(APIError) {
        guard let directory, !directory.isEmpty else { return }
        try APIError.check(
            "workspace_dir", directory, upTo: Limits.workspaceDirectory, orError: ErrorMessage.invalidWorkspaceDirectory
        )
        // Only one spelling of each path: an engine would resolve the others, and mount what was rejected here. By
        // bytes, as the system reads it: a combining mark behind a slash would make another `Character` of it.
        let path = directory.utf8
        var parts = path.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).dropFirst()
        if parts.last?.isEmpty == true { parts.removeLast() }
        let isPlain =
            !parts.isEmpty
            && parts.allSatisfy { !$0.isEmpty && !$0.elementsEqual(".".utf8) && !$0.elementsEqual("..".utf8) }
        let isSystem = systemFolders.contains { path.elementsEqual($0.utf8) || path.starts(with: "\($0)/".utf8) }
        guard path.first == UInt8(ascii: "/"), isPlain, !isSystem, !path.contains(0) else {
            throw APIError(
                .badRequest, ErrorMessage.invalidWorkspaceDirectory, field: "workspace_dir",
                reason: "must be an absolute path without . or .. and outside of the system's folders")
        }
    }

    private static func check(numbers request: CreateWorkspaceRequest) throws(APIError) {
        if let limit = request.budgetLimit, limit < 0 { throw invalid("budget_limit", "must not be negative") }
        try check(maxConcurrentTasks: request.maxConcurrentTasks)
        if let minutes = request.hibernationIdleMinutes, !(0...Int(Int32.max)).contains(minutes) {
            throw invalid("hibernation_idle_minutes", "must be 0 or more")
        }
        try check(tier: request.tier)
    }

    static func check(tier: Int?) throws(APIError) {
        if let tier, !(0...Int(Int32.max)).contains(tier) { throw invalid("tier", "must be 0 or more") }
    }

    static func check(maxConcurrentTasks count: Int?) throws(APIError) {
        if let count, !(1...Int(Int32.max)).contains(count) {
            throw invalid("max_concurrent_tasks", "must be 1 or more")
        }
    }

    static func invalid(_ field: String, _ reason: String) -> APIError {
        APIError(.badRequest, ErrorMessage.invalidWorkspaceFields, field: field, reason: reason)
    }
}

extension NewWorkspace {
    /// The status in the response: an external workspace's status, `provisioning` for all others, as the contract says.
    var responseStatus: String {
        isExternal ? status.rawValue : WorkspaceStatus.provisioning.rawValue
    }
}
