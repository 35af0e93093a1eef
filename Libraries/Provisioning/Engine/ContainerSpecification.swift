import Contracts
import JSONBytes

/// The body of `POST /containers/create` for a workspace.
struct ContainerSpecification {
    let workspace: WorkspaceSpecification
    let name: WorkspaceName
    let image: String
    let limits: TierLimits
    let labels: WorkspaceLabels

    var json: [UInt8] {
        var writer = JSONWriter(reservingCapacity: 4096)
        writer.object { writer in
            writer.member("Image", image)
            writer.member("Hostname", name.container)
            writer.member("Env", strings: workspace.runtimeEnvironment.map { "\($0.key)=\($0.value)" }.sorted())
            labels.write(to: &writer)
            writer.member("ExposedPorts", object: { $0.member(Self.port, object: { _ in }) })
            writer.member("HostConfig", object: hostConfiguration)
            writer.member("NetworkingConfig", object: networking)
        }
        return writer.bytes
    }

    private func hostConfiguration(_ writer: inout JSONWriter) {
        writer.member("NetworkMode", WorkspaceName.network)
        writer.member("RestartPolicy", object: { $0.member("Name", "unless-stopped") })
        writer.member("Memory", limits.memoryMegabytes << 20)
        writer.member("CpuShares", limits.cpuShares)
        writer.member("PortBindings", object: { $0.member(Self.port, array: { $0.object(Self.publishedPort) }) })
        // Agents get addresses of this machine under this name.
        writer.member("ExtraHosts", strings: ["host.docker.internal:host-gateway"])
        writer.member("Mounts", array: mounts)
    }

    private static func publishedPort(_ writer: inout JSONWriter) {
        writer.member("HostIp", "127.0.0.1")
        // The engine chooses a free port.
        writer.member("HostPort", "")
    }

    private func networking(_ writer: inout JSONWriter) {
        writer.key("EndpointsConfig")
        writer.object { writer in
            writer.key(WorkspaceName.network)
            writer.object { $0.member("Aliases", strings: [name.container]) }
        }
    }

    private func mounts(_ writer: inout JSONWriter) {
        Self.mount(&writer, "volume", name.volume, at: WorkspaceName.configsFolder, isReadOnly: false)
        guard workspace.access != .none, let folder = workspace.workspaceDirectory else { return }
        Self.mount(
            &writer, "bind", folder, at: WorkspaceName.workspaceFolder, isReadOnly: workspace.access == .readOnly)
    }

    /// Not `Binds`, whose syntax breaks with a colon in a folder's name.
    private static func mount(
        _ writer: inout JSONWriter, _ type: String, _ source: String, at target: String, isReadOnly: Bool
    ) {
        writer.object {
            $0.member("Type", type)
            $0.member("Source", source)
            $0.member("Target", target)
            $0.member("ReadOnly", isReadOnly)
        }
    }

    /// A port in the engines' syntax.
    static let port = "\(WorkspaceName.port)/tcp"
}
