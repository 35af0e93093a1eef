/// How the platform is deployed, as far as addresses are concerned.
package struct DeploymentMode: Hashable, Sendable {
    /// Whether private networks may be called.
    package enum Network: Hashable, Sendable {
        /// They may not.
        case strict
        /// They may: agents run beside the platform, in a network of its own.
        case saas
    }

    /// Whether private networks may be called.
    package var network: Network
    /// Development: forwarding may reach loopback and private networks.
    package var isDevelopment: Bool
    /// A value of `MOLECULE_DEPLOY_MODE` that means nothing, to be warned about once. The mode is strict then.
    package var unknownValue: String?

    /// Reads `MOLECULE_DEPLOY_MODE`, `MOLECULE_ORG_ID` and `MOLECULE_ENV`; empty values count as unset.
    package init(environment: [String: String]) {
        func value(_ name: String) -> String? {
            guard let value = environment[name], !value.allSatisfy(\.isWhitespace) else { return nil }
            return String(value.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
        }
        isDevelopment = ["development", "dev"].contains(value("MOLECULE_ENV")?.lowercased())
        let mode = value("MOLECULE_DEPLOY_MODE")
        switch mode?.lowercased() {
        case nil: network = value("MOLECULE_ORG_ID") == nil ? .strict : .saas
        case "saas": network = .saas
        case "self-hosted", "selfhosted", "standalone": network = .strict
        default:
            network = .strict
            unknownValue = mode
        }
    }
}
