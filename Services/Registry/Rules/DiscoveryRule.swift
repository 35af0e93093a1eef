import Contracts
import Foundation
import PlatformInternals
import Provisioning

/// The fields of a workspace that access checks and discovery need.
struct PeerRecord: Sendable {
    var id: UUID
    var name: String
    var status: WorkspaceStatus
    /// The URL at which the platform reaches it: set by the provisioner, or else by the agent itself.
    var url: String?
    /// The URL that the agent of a provisioned workspace registered: its peers in containers reach it there.
    var internalURL: String?
    var isProvisioned: Bool
    var isExternal: Bool
    var forwardedTo: UUID?
    var position: TreePosition

    /// Whether it runs in a container of the platform.
    var isInContainer: Bool { isProvisioned && !isExternal }
}

/// The address of a peer for a caller; to be checked before it is returned.
struct PeerAddress: Sendable, Hashable {
    /// The origin of the address, which decides how it is checked.
    enum Source: Sendable, Hashable {
        /// Its agent or its owner.
        case agent
        /// The provisioner: loopback and private networks are allowed.
        case provisioner
        /// The name of its container, which resolves only on the containers' network.
        case containerName
    }

    /// The URL to be checked.
    var url: String
    var source: Source
    /// The URL to return instead, if the host has another name on the caller's network.
    var rewritten: String?

    /// The URL to return.
    var publishedURL: String { rewritten ?? url }
}

/// Chooses the address of a workspace that a caller gets.
enum DiscoveryRule {
    /// - Returns: `nil` when the target is not reachable.
    static func address(of target: PeerRecord, for caller: PeerRecord) -> PeerAddress? {
        guard target.status.isRunning, let url = target.url ?? target.internalURL else { return nil }
        guard target.isInContainer else { return externalAddress(url, for: caller) }
        return caller.isInContainer
            ? betweenContainers(target, url)
            : PeerAddress(url: url, source: target.url == nil ? .agent : .provisioner)
    }

    /// Not started by the platform: it may run on the platform's host.
    private static func externalAddress(_ url: String, for caller: PeerRecord) -> PeerAddress {
        PeerAddress(url: url, source: .agent, rewritten: caller.isInContainer ? ContainerAddress.rewritten(url) : nil)
    }

    /// Loopback is the caller itself there. The URL that the target's agent registered has precedence, then the
    /// provisioner's; where that is a port of the host, both are on the engine's network, which resolves container
    /// names.
    private static func betweenContainers(_ target: PeerRecord, _ url: String) -> PeerAddress {
        if let own = target.internalURL, !ContainerAddress.isLoopback(own) {
            return PeerAddress(url: own, source: .agent)
        }
        if !ContainerAddress.isLoopback(url) { return PeerAddress(url: url, source: .provisioner) }
        return PeerAddress(url: WorkspaceName(target.id).internalURL, source: .containerName)
    }
}
