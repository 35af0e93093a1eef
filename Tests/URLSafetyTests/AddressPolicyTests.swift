import Testing

@testable import URLSafety

/// Who may be called in which deployment, for which purpose.
@Suite struct AddressPolicyTests {
    static let strict = DeploymentMode(network: .strict)
    static let saas = DeploymentMode(network: .saas)
    static let development = DeploymentMode(network: .strict, isDevelopment: true)

    /// Policy, then what it says of a public, a loopback, a private and a forbidden address, and of `localhost`.
    @Test(arguments: [
        (AddressPolicy(mode: strict, purpose: .registration), [true, false, false, false, true]),
        (AddressPolicy(mode: strict, purpose: .forwarding), [true, false, false, false, false]),
        (AddressPolicy(mode: saas, purpose: .registration), [true, false, true, false, true]),
        (AddressPolicy(mode: saas, purpose: .forwarding), [true, false, true, false, false]),
        (AddressPolicy(mode: development, purpose: .registration), [true, false, false, false, true]),
        (AddressPolicy(mode: development, purpose: .forwarding), [true, true, true, false, true]),
        (AddressPolicy(mode: strict, purpose: .forwarding, isProvisioned: true), [true, true, true, false, true]),
        (AddressPolicy(mode: saas, purpose: .registration, isProvisioned: true), [true, true, true, false, true]),
    ])
    func table(_ policy: AddressPolicy, _ expected: [Bool]) throws {
        let urls = [
            "http://8.8.8.8", "http://127.0.0.1", "http://192.168.1.1", "http://169.254.169.254", "http://localhost",
        ]
        for (url, isAllowed) in zip(urls, expected) {
            guard case .decided(let verdict) = policy.verdict(for: try SafeURL.parse(url)) else {
                Issue.record("\(url) needs no look-up")
                continue
            }
            #expect(verdict.isAllowed == isAllowed, "\(url)")
            #expect((verdict.reason == nil) == isAllowed)
        }
    }

    @Test func localhostMayOnlyLeadToLoopback() {
        let policy = AddressPolicy(mode: Self.strict, purpose: .registration)
        #expect(policy.verdict(for: [127, 0, 0, 1], isLocalhost: true) == .allowed)
        #expect(policy.verdict(for: [10, 0, 0, 1], isLocalhost: true) == .blocked(.private))
        #expect(policy.verdict(for: [169, 254, 169, 254], isLocalhost: true) == .blocked(.forbidden))
    }

    @Test(arguments: ["http://agent.example", "http://foo.localhost", "http://localhost.example"])
    func otherNamesMustBeResolved(_ text: String) throws {
        let policy = AddressPolicy(mode: Self.development, purpose: .registration)
        let url = try SafeURL.parse(text)
        #expect(policy.verdict(for: url) == .resolve(url.hostText))
    }

    @Test func oneBlockedAddressBlocksTheName() {
        let policy = AddressPolicy(mode: Self.strict, purpose: .forwarding)
        #expect(policy.verdict(forAll: [[8, 8, 8, 8], [1, 1, 1, 1]]) == .allowed)
        #expect(policy.verdict(forAll: [[8, 8, 8, 8], [10, 0, 0, 1]]) == .blocked(.private))
        #expect(policy.verdict(forAll: [[UInt8]]()) == nil)
    }

    @Test(arguments: [
        ([:], DeploymentMode.Network.strict, false, nil),
        (["MOLECULE_DEPLOY_MODE": "saas"], .saas, false, nil),
        (["MOLECULE_DEPLOY_MODE": " SaaS "], .saas, false, nil),
        (["MOLECULE_ORG_ID": "org-1"], .saas, false, nil),
        (["MOLECULE_ORG_ID": ""], .strict, false, nil),
        (["MOLECULE_DEPLOY_MODE": "", "MOLECULE_ORG_ID": "org-1"], .saas, false, nil),
        (["MOLECULE_DEPLOY_MODE": "self-hosted", "MOLECULE_ORG_ID": "org-1"], .strict, false, nil),
        (["MOLECULE_DEPLOY_MODE": "selfhosted", "MOLECULE_ORG_ID": "org-1"], .strict, false, nil),
        (["MOLECULE_DEPLOY_MODE": "standalone", "MOLECULE_ORG_ID": "org-1"], .strict, false, nil),
        (["MOLECULE_DEPLOY_MODE": "sass", "MOLECULE_ORG_ID": "org-1"], .strict, false, "sass"),
        (["MOLECULE_ENV": "development"], .strict, true, nil),
        (["MOLECULE_ENV": "dev"], .strict, true, nil),
        (["MOLECULE_ENV": "production"], .strict, false, nil),
    ])
    func mode(_ environment: [String: String], _ network: DeploymentMode.Network, _ isDev: Bool, _ unknown: String?) {
        let mode = DeploymentMode(environment: environment)
        #expect(mode == DeploymentMode(network: network, isDevelopment: isDev, unknownValue: unknown))
    }
}

extension DeploymentMode {
    init(network: Network, isDevelopment: Bool = false, unknownValue: String? = nil) {
        self.init(environment: [:])
        self.network = network
        self.isDevelopment = isDevelopment
        self.unknownValue = unknownValue
    }
}
