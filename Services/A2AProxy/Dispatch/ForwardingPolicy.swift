import EventLoop
import SafeURL

/// Which addresses messages are sent to. Asked for the address that is connected to, whatever a name said before.
package struct ForwardingPolicy: Sendable {
    private let standard: AddressPolicy
    private let provisioned: AddressPolicy

    package init(mode: DeploymentMode) {
        standard = AddressPolicy(mode: mode, purpose: .forwarding)
        provisioned = AddressPolicy(mode: mode, purpose: .forwarding, isProvisioned: true)
    }

    /// - Returns: why the address is refused, nil when it may be called.
    package func refusal(of address: SocketAddress, isProvisioned: Bool) -> String? {
        let verdict = (isProvisioned ? provisioned : standard).verdict(for: address.addressBytes)
        return verdict.isAllowed ? nil : verdict.reason ?? "refused"
    }
}
