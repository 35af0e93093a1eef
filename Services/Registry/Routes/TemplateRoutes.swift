import Authentication
import Contracts
import HTTPCore
import ServiceHost
import Templates
import UVHTTPServer

/// `/templates`: the templates for new workspaces.
struct TemplateRoutes: Sendable {
    let context: ServiceContext
    let templates: TemplateCatalog

    func add(to router: inout Router) {
        router.on(.get, "/templates") { request in
            try await context.authenticator.admin(request)
            return try .wire(.ok, await templates.list().map(Self.entry))
        }
    }

    private static func entry(_ template: Template) -> TemplateEntry {
        let configuration = template.configuration
        return TemplateEntry(
            name: template.name, runtime: configuration.runtime ?? "langgraph", model: configuration.model,
            maxConcurrentTasks: configuration.maxConcurrentTasks,
            provisionTimeoutMilliseconds: configuration.provisionTimeout.map { Int($0.components.seconds) * 1000 })
    }
}
