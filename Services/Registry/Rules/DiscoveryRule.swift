import Contracts
import Foundation
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
    /// What is to be checked.
    var url: String
    /// Our provisioner set it: loopback and private networks are allowed.
    var isProvisioned: Bool
    /// The caller is in a container, from where the host has another name.
    var isForContainer: Bool

    /// What is handed out.
    var handedOut: String { isForContainer ? ContainerAddress.rewritten(url) : url }
}

/// Which of a workspace's addresses a caller is given.
enum DiscoveryRule {
    /// - Returns: `nil` when the target is not reachable.
    static func address(of target: KnownPeer, for caller: KnownPeer) -> PeerAddress? {
        guard target.status.isRunning, let url = target.url ?? target.internalURL else { return nil }
        if target.isExternal {
            return PeerAddress(url: url, isProvisioned: false, isForContainer: caller.isInContainer)
        }
        // Names inside of the containers' network mean nothing outside of it.
        if caller.isInContainer, let own = target.internalURL {
            return PeerAddress(url: own, isProvisioned: false, isForContainer: false)
        }
        return PeerAddress(url: url, isProvisioned: target.isProvisioned && target.url != nil, isForContainer: false)
    }
}
