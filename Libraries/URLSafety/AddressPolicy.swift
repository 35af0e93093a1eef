/// Where a workspace may be reached: the rule, without any I/O.
///
/// The check that counts is on the address that a connection is opened to; the one on the text of a URL only refuses
/// early what could never pass.
package struct AddressPolicy: Hashable, Sendable {
    /// What the address is wanted for.
    package enum Purpose: Hashable, Sendable {
        /// An agent registers it. Development relaxes nothing, but the name `localhost` is let through.
        case registration
        /// A message is sent to it.
        case forwarding
    }

    /// Whether an address may be called.
    package enum Verdict: Hashable, Sendable {
        /// It may.
        case allowed
        /// It may not.
        case blocked(AddressClass)

        /// Whether it may.
        package var isAllowed: Bool { self == .allowed }

        /// A sentence for the `reason` of an error body; it names no address. nil when allowed.
        package var reason: String? {
            switch self {
            case .allowed, .blocked(.public): nil
            case .blocked(.loopback): "leads to a loopback address"
            case .blocked(.private): "leads to a private network"
            case .blocked(.forbidden): "leads to a reserved address"
            }
        }
    }

    /// What can be said of a URL before its name is resolved.
    package enum HostVerdict: Hashable, Sendable {
        /// A literal address, or a name that needs no look-up.
        case decided(Verdict)
        /// A name: every address it resolves to must pass; none at all is a refusal.
        case resolve(String)
    }

    /// How the platform is deployed.
    package var mode: DeploymentMode
    /// What the address is wanted for.
    package var purpose: Purpose
    /// Our own provisioner set the URL: exempt from the loopback and private rules, from no other.
    package var isProvisioned: Bool

    /// Creates a policy.
    package init(mode: DeploymentMode, purpose: Purpose, isProvisioned: Bool = false) {
        self.mode = mode
        self.purpose = purpose
        self.isProvisioned = isProvisioned
    }

    /// The verdict on an address.
    /// - Parameters:
    ///   - bytes: 4 or 16, in network order.
    ///   - isLocalhost: the URL's host is the name `localhost`, not an address.
    package func verdict(for bytes: some Collection<UInt8>, isLocalhost: Bool = false) -> Verdict {
        let kind = AddressClass(bytes)
        let isAllowed =
            switch kind {
            case .public: true
            case .forbidden: false
            case .loopback: isProvisioned || isRelaxed || (purpose == .registration && isLocalhost)
            case .private: isProvisioned || isRelaxed || mode.network == .saas
            }
        return isAllowed ? .allowed : .blocked(kind)
    }

    /// The verdict on several addresses of one host: one blocked address blocks all.
    /// - Returns: nil when there are none, which is a refusal.
    package func verdict(forAll addresses: some Collection<[UInt8]>, isLocalhost: Bool = false) -> Verdict? {
        guard !addresses.isEmpty else { return nil }
        return addresses.lazy.map { verdict(for: $0, isLocalhost: isLocalhost) }.first { !$0.isAllowed } ?? .allowed
    }

    /// What can be said of a URL without resolving its name.
    package func verdict(for url: SafeURL) -> HostVerdict {
        switch url.host {
        case .address(let bytes): .decided(verdict(for: bytes))
        case .name("localhost"): .decided(verdict(for: [127, 0, 0, 1], isLocalhost: true))
        case .name(let name): .resolve(name)
        }
    }

    private var isRelaxed: Bool { mode.isDevelopment && purpose == .forwarding }
}
