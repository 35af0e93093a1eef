import Configuration
import Foundation
import Observability
import UVHTTPClient
import UVLoop

/// The configuration of the backend that starts workspaces.
package struct ProvisionerSettings: Sendable {
    package enum Backend: Sendable {
        case none
        case engine(EngineAddress)
        case controlPlane(url: ClientURL, token: String?)
    }

    package var backend: Backend
    /// Distinguishes this platform's containers from those of others on the same engine.
    package var instance: PlatformInstance
    package var images: WorkspaceImages
    /// The limits of tiers 1, 2, ...; never empty.
    package var tiers: [TierLimits]
    package var credentials: RegistryCredentials?
    /// This process runs in a container: agents are reached by name on the engine's network, not at 127.0.0.1.
    package var isInContainer: Bool
    /// Grace period of a stop, before the agent is killed.
    package var stopGrace: Duration = .seconds(10)
    /// Timeout of inspect calls.
    package var inspectTimeout: Duration = .seconds(10)

    package init(
        backend: Backend, instance: PlatformInstance = .unknown, images: WorkspaceImages = WorkspaceImages(),
        tiers: [TierLimits] = TierLimits.defaults, credentials: RegistryCredentials? = nil, isInContainer: Bool = false
    ) {
        self.backend = backend
        self.instance = instance
        self.images = images
        self.tiers = tiers.isEmpty ? TierLimits.defaults : tiers
        self.credentials = credentials
        self.isInContainer = isInContainer
    }

    /// Reads the environment; invalid values are reported to the reader. Without `DOCKER_HOST` and
    /// `CONTROL_PLANE_URL` there is no backend.
    package init(_ reader: ConfigurationReader) {
        self.init(
            backend: Self.backend(reader),
            instance: Self.instance(reader),
            images: Self.images(reader), tiers: Self.tiers(reader), credentials: Self.credentials(reader),
            isInContainer: reader.bool(
                "MOLECULE_IN_DOCKER", default: false,
                "Agents are reached by their names on the engine's network; also taken from /.dockerenv.")
                || FileManager.default.fileExists(atPath: "/.dockerenv"))
    }

    private static func backend(_ reader: ConfigurationReader) -> Backend {
        let engine = reader.optionalURL(
            "DOCKER_HOST", schemes: ["unix", "tcp", "http", "https"],
            "The container engine that starts workspaces (Docker's API; Podman has it, too).")
        let url = reader.optionalURL(
            "CONTROL_PLANE_URL", schemes: ["http", "https"],
            "The control plane that starts workspaces on machines of its own; not together with DOCKER_HOST.")
        let token = reader.optionalString("CONTROL_PLANE_TOKEN", secret: true, "The bearer for the control plane.")
        switch (engine, url) {
        case (nil, nil): return .none
        case (let engine?, nil):
            if let address = EngineAddress(engine) { return .engine(address) }
            reader.problem("DOCKER_HOST", expected: "unix:///path, or tcp://host:port without a user")
        case (nil, let url?):
            if let parsed = ClientURL(url) { return .controlPlane(url: parsed, token: token) }
            reader.problem("CONTROL_PLANE_URL", expected: "an http or https URL without a user")
        case (_?, _?):
            reader.problem("CONTROL_PLANE_URL", expected: "nothing, since DOCKER_HOST is set: one backend only")
        }
        return .none
    }

    private static func instance(_ reader: ConfigurationReader) -> PlatformInstance {
        let name = "PLATFORM_INSTANCE_ID"
        let text = reader.optionalString(
            name,
            "Tells this platform's containers from those of others on the same engine; if not set, an id that is made "
                + "once and kept in the database.")
        guard let text else { return .unknown }
        if !PlatformInstance.isUsable(text) {
            reader.problem(
                name, expected: "1 to \(PlatformInstance.maximumLength) printable ASCII characters without spaces")
        }
        return PlatformInstance(text)
    }

    private static func images(_ reader: ConfigurationReader) -> WorkspaceImages {
        let name = "WORKSPACE_IMAGES"
        let pairs = reader.list(name, "Images of runtimes in place of ours, or of more runtimes: runtime=image,...")
        var overrides: [String: String] = [:]
        for pair in pairs {
            let parts = pair.split(separator: "=", maxSplits: 1).map { $0.trimmingCharacters(in: .whitespaces) }
            guard parts.count == 2, parts.allSatisfy({ !$0.isEmpty && !$0.contains(" ") }) else {
                reader.problem(name, expected: "runtime=image, several separated by commas")
                break
            }
            overrides[parts[0]] = parts[1]
        }
        return WorkspaceImages(overrides: overrides)
    }

    private static func tiers(_ reader: ConfigurationReader) -> [TierLimits] {
        TierLimits.defaults.enumerated().map { index, limits in
            let tier = index + 1
            return TierLimits(
                memoryMegabytes: reader.int(
                    "TIER\(tier)_MEMORY_MB", default: limits.memoryMegabytes, in: 16...16_777_216,
                    "Memory of a workspace of tier \(tier)."),
                cpuShares: reader.int(
                    "TIER\(tier)_CPU_SHARES", default: limits.cpuShares, in: 2...262_144,
                    "CPU of a workspace of tier \(tier), relative to others; 1024 is usual."))
        }
    }

    private static func credentials(_ reader: ConfigurationReader) -> RegistryCredentials? {
        let user = reader.optionalString("GHCR_USER", "Who pulls images from ghcr.io.")
        let token = reader.optionalString("GHCR_TOKEN", secret: true, "The password that goes with GHCR_USER.")
        if (user == nil) != (token == nil) {
            reader.problem(
                user == nil ? "GHCR_USER" : "GHCR_TOKEN", expected: "both of GHCR_USER and GHCR_TOKEN, or neither")
        }
        guard let user, let token else { return nil }
        return RegistryCredentials(user: user, token: token)
    }
}

extension ProvisionerSettings {
    /// The backend of these settings. It keeps connections on the group's loops.
    package func makeProvisioner(loops: EventLoopGroup, logger: Logger) -> any Provisioner {
        switch backend {
        case .none: NoProvisioner()
        case .engine(let address): ContainerEngine(address, settings: self, loops: loops, logger: logger)
        case .controlPlane(let url, let token):
            ControlPlane(url, token: token, settings: self, loops: loops)
        }
    }
}
