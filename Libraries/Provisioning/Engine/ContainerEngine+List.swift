import Contracts
import Foundation
import HTTPCore
import JSONBytes

extension ContainerEngine {
    package func listManaged() async throws(ProvisioningError) -> [ManagedWorkspace] {
        let instance = try await settings.instance.id(for: .list)
        return try await containers(instance) + volumes(instance)
    }

    private func containers(_ instance: String) async throws(ProvisioningError) -> [ManagedWorkspace] {
        let filter = #"{"name":["^/?ws-"]}"#.percentEncoded
        let response = try await client.send(
            .init(method: .get, target: "/containers/json?all=true&filters=\(filter)", operation: .list))
        guard response.status.isSuccess, let found = try response.json().array else { throw response.failure() }
        return found.compactMap { container in
            let names = container["Names"]?.array?.compactMap(\.string) ?? []
            guard let prefix = names.lazy.compactMap(WorkspaceName.prefix(ofContainer:)).first else { return nil }
            return ManagedWorkspace(
                kind: .container, idPrefix: prefix, state: container["State"]?.string ?? "", labels: container.labels,
                createdAt: container["Created"]?.double.map(Date.init(timeIntervalSince1970:)),
                instance: instance)
        }
    }

    private func volumes(_ instance: String) async throws(ProvisioningError) -> [ManagedWorkspace] {
        let filter = #"{"name":["ws-"]}"#.percentEncoded
        let response = try await client.send(
            .init(method: .get, target: "/volumes?filters=\(filter)", operation: .list))
        guard response.status.isSuccess, let list = try response.json()["Volumes"] else { throw response.failure() }
        return (list.array ?? []).compactMap { volume in
            guard let prefix = volume["Name"]?.string.flatMap(WorkspaceName.prefix(ofVolume:)) else { return nil }
            return ManagedWorkspace(
                kind: .volume, idPrefix: prefix, labels: volume.labels,
                createdAt: volume["CreatedAt"]?.string.flatMap { RFC3339.parse($0) }, instance: instance)
        }
    }
}

extension JSONValue {
    /// The labels of a container or a volume; without any, engines write `null`.
    var labels: [String: String] { (self["Labels"]?.object ?? [:]).compactMapValues(\.string) }
}
