import URLSafety
import UVLoop

/// The addresses that messages may be sent to. Applied to the address that is connected to, after name resolution.
package struct ForwardingAddressPolicy: Sendable {
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
