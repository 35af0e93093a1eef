import Contracts
import Foundation
import JSONBytes

/// The body of `PUT /machines/{name}`.
struct MachineRequest {
    let workspace: WorkspaceSpecification
    let image: String
    let settings: ProvisionerSettings
    let labels: WorkspaceLabels

    var json: [UInt8] {
        var writer = JSONWriter(reservingCapacity: 4096)
        writer.object { writer in
            writer.member("workspace_id", workspace.id.lowercased)
            writer.member("runtime", workspace.runtime)
            writer.member("image", image)
            writer.member("tier", workspace.tier)
            let limits = settings.tiers.limits(ofTier: workspace.tier)
            writer.member("memory_mb", limits.memoryMegabytes)
            writer.member("cpu_shares", limits.cpuShares)
            writer.member("port", WorkspaceName.port)
            writer.member("environment", object: environment)
            writer.member("token", workspace.token)
            writer.member("files", array: files)
            labels.write(to: &writer, as: "labels")
            writer.member("workspace_directory", orNull: workspace.workspaceDirectory)
            writer.member("workspace_access", workspace.access.rawValue)
        }
        return writer.bytes
    }

    private func environment(_ writer: inout JSONWriter) {
        for (name, value) in workspace.runtimeEnvironment.sorted(by: { $0.key < $1.key }) { writer.member(name, value) }
    }

    private func files(_ writer: inout JSONWriter) {
        for file in workspace.files {
            writer.object {
                $0.member("path", file.path)
                $0.member("content", Data(file.bytes).base64EncodedString())
            }
        }
    }
}
