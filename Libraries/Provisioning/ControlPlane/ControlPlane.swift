import Contracts
import Foundation
import HTTPCore
import JSONBytes
import UVHTTPClient
import UVLoop

/// Workspaces on machines that an HTTP control plane starts. What it must serve is in `docs/control-plane.md`.
package struct ControlPlane: Provisioner {
    private let client: BackendClient
    private let token: String?
    private let settings: ProvisionerSettings

    /// - Parameters:
    ///   - url: the URL that the contract's paths are appended to.
    ///   - token: the bearer of every call.
    package init(_ url: ClientURL, token: String?, settings: ProvisionerSettings, loops: EventLoopGroup) {
        var headers: HTTPHeaders = ["Accept": "application/json"]
        if let token { headers.add("Authorization", "Bearer \(token)") }
        let path = url.target.prefix { $0 != "?" }
        let base = "\(url.scheme.rawValue)://\(url.authority)\(path.hasSuffix("/") ? path.dropLast() : path)"
        client = BackendClient(loops: loops, base: base, headers: headers)
        self.token = token
        self.settings = settings
    }

    package var isConfigured: Bool { true }

    package func start(_ specification: WorkspaceSpecification) async throws(ProvisioningError) -> StartedWorkspace {
        try specification.check()
        guard let image = settings.images.image(for: specification.runtime) else {
            throw ProvisioningError(.unknownRuntime, .start, detail: specification.runtime)
        }
        let request = MachineRequest(
            workspace: specification, image: image, settings: settings,
            labels: WorkspaceLabels(instance: try await settings.instance.id(for: .start)))
        let response = try await client.redacting(SecretText(specification, and: [token])).send(
            .init(
                method: .put, target: Self.machine(WorkspaceName(specification.id)), body: request.json,
                timeout: .seconds(300), operation: .start))
        guard response.status.isSuccess else { throw response.failure() }
        guard let url = try response.json()["url"]?.string, ClientURL(url) != nil else {
            throw ProvisioningError(.refused, .start, detail: "the response names no usable url")
        }
        return StartedWorkspace(url: url)
    }

    package func stop(_ workspace: WorkspaceName) async throws(ProvisioningError) {
        try await delete(Self.machine(workspace), timeout: settings.stopGrace + .seconds(60), for: .stop)
    }

    package func removeVolume(_ workspace: WorkspaceName) async throws(ProvisioningError) {
        try await delete("/volumes/\(workspace.volume)", timeout: .seconds(60), for: .removeVolume)
    }

    private func delete(
        _ target: String, timeout: Duration, for operation: ProvisioningError.Operation
    ) async throws(ProvisioningError) {
        let response = try await redacting.send(
            .init(method: .delete, target: target, timeout: timeout, operation: operation))
        guard response.status.isSuccess || response.isNotFound else { throw response.failure() }
    }

    package func isRunning(_ workspace: WorkspaceName) async -> RunningState {
        do {
            let response = try await redacting.send(
                .init(
                    method: .get, target: Self.machine(workspace), timeout: settings.inspectTimeout, operation: .inspect
                ))
            if response.isNotFound { return .gone }
            guard response.status.isSuccess else { return .unknown(response.failure()) }
            let json = try response.json()
            guard let state = json["state"]?.string else {
                return .unknown(ProvisioningError(.unavailable, .inspect, detail: "the response names no state"))
            }
            return state == "running" ? .running(url: json["url"]?.string) : .gone
        } catch {
            return .unknown(error)
        }
    }

    package func listManaged() async throws(ProvisioningError) -> [ManagedWorkspace] {
        let instance = try await settings.instance.id(for: .list)
        var all: [ManagedWorkspace] = []
        var cursor: String?
        repeat {
            let page = try await page(after: cursor, instance)
            all += page.entries
            guard page.next == nil || page.next != cursor, all.count <= Self.maximumEntries else {
                throw ProvisioningError(.refused, .list, detail: "the list does not end")
            }
            cursor = page.next
        } while cursor != nil
        return all
    }

    private func page(
        after cursor: String?, _ instance: String
    ) async throws(ProvisioningError) -> (entries: [ManagedWorkspace], next: String?) {
        let query = cursor.map { "?cursor=\($0.percentEncoded)" } ?? ""
        let response = try await redacting.send(.init(method: .get, target: "/machines\(query)", operation: .list))
        guard response.status.isSuccess else { throw response.failure() }
        let json = try response.json()
        guard let items = json["items"]?.array else {
            throw ProvisioningError(.unavailable, .list, detail: "the response has no items")
        }
        return (items.compactMap { entry($0, instance) }, json["next_cursor"]?.string)
    }

    private func entry(_ item: JSONValue, _ instance: String) -> ManagedWorkspace? {
        guard let kind = item["kind"]?.string.flatMap(ManagedWorkspace.Kind.init), let name = item["name"]?.string,
            let prefix = kind == .volume
                ? WorkspaceName.prefix(ofVolume: name) : WorkspaceName.prefix(ofContainer: name)
        else { return nil }
        return ManagedWorkspace(
            kind: kind, idPrefix: prefix, state: item["state"]?.string ?? "",
            labels: (item["labels"]?.object ?? [:]).compactMapValues(\.string),
            createdAt: item["created_at"]?.string.flatMap { RFC3339.parse($0) }, instance: instance)
    }

    /// A control plane may quote the bearer in its errors.
    private var redacting: BackendClient { client.redacting(SecretText([token])) }

    private static func machine(_ workspace: WorkspaceName) -> String { "/machines/\(workspace.container)" }

    private static let maximumEntries = 1_000_000
}
