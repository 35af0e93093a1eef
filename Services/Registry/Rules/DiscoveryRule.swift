import Contracts
import Foundation
import Provisioning
import WorkspaceTree

/// What access and discovery need to know of a workspace.
struct KnownPeer: Sendable {
    var id: UUID
    var name: String
    var status: WorkspaceStatus
    /// Where the platform reaches it: set by our provisioner, or else by the agent itself.
    var url: String?
    /// What the agent of a provisioned workspace said of itself: where its peers in containers reach it.
    var internalURL: String?
    var isProvisioned: Bool
    var isExternal: Bool
    var forwardedTo: UUID?
    var position: TreePosition

    /// It runs in a container of ours.
    var isInContainer: Bool { isProvisioned && !isExternal }
}

/// An address as a peer may be given it, after it was checked.
struct PeerAddress: Sendable, Hashable {
    /// Who says that the peer is there, which decides what it is checked for.
    enum Source: Sendable, Hashable {
        /// Its agent or its owner.
        case agent
        /// Our provisioner: loopback and private networks are allowed.
        case provisioner
        /// The name that we give its container. It means something on the containers' network alone, where we may not be.
        case containerName
    }

    /// What is to be checked.
    var url: String
    var source: Source
    /// What is handed out when it is not the same: the host has another name where the caller is.
    var rewritten: String?

    /// What is handed out.
    var handedOut: String { rewritten ?? url }
}

/// Which of a workspace's addresses a caller is given.
enum DiscoveryRule {
    /// - Returns: `nil` when the target is not reachable.
    static func address(of target: KnownPeer, for caller: KnownPeer) -> PeerAddress? {
        guard target.status.isRunning, let url = target.url ?? target.internalURL else { return nil }
        guard target.isInContainer else { return onItsOwn(url, for: caller) }
        return caller.isInContainer
            ? betweenContainers(target, url)
            : PeerAddress(url: url, source: target.url == nil ? .agent : .provisioner)
    }

    /// Nothing of ours started it: it may run on our host.
    private static func onItsOwn(_ url: String, for caller: KnownPeer) -> PeerAddress {
        PeerAddress(url: url, source: .agent, rewritten: caller.isInContainer ? ContainerAddress.rewritten(url) : nil)
    }

    /// Loopback is the caller itself there. What the target's agent says of itself goes first, then what the provisioner
    /// set; where that is a port of the host, both are on the network that the engine gives names to.
    private static func betweenContainers(_ target: KnownPeer, _ url: String) -> PeerAddress {
        if let own = target.internalURL, !ContainerAddress.isLoopback(own) {
            return PeerAddress(url: own, source: .agent)
        }
        if !ContainerAddress.isLoopback(url) { return PeerAddress(url: url, source: .provisioner) }
        return PeerAddress(url: WorkspaceName(target.id).internalURL, source: .containerName)
    }
}
