import Contracts
import Foundation
import Testing
import WorkspaceTree

@testable import Registry

@Suite("Which address a peer is given")
struct DiscoveryRuleTests {
    private func peer(
        _ status: WorkspaceStatus = .online, url: String? = nil, own: String? = nil, isProvisioned: Bool = false,
        isExternal: Bool = false
    ) -> KnownPeer {
        let id = UUID()
        return KnownPeer(
            id: id, name: "peer", status: status, url: url, internalURL: own, isProvisioned: isProvisioned,
            isExternal: isExternal, forwardedTo: nil, position: TreePosition(id: id, ancestors: []))
    }

    private var outside: KnownPeer { peer(url: "http://agent.example", isExternal: true) }
    private var inside: KnownPeer { peer(url: "http://127.0.0.1:40000", own: "http://ws-a:8000", isProvisioned: true) }

    @Test("Who does not run, or has no address, is not reachable", arguments: WorkspaceStatus.allCases)
    func reachable(status: WorkspaceStatus) {
        let isRunning = status == .online || status == .degraded
        let address = DiscoveryRule.address(of: peer(status, url: "http://agent.example"), for: outside)
        #expect((address != nil) == isRunning)
        #expect(DiscoveryRule.address(of: peer(status), for: outside) == nil)
    }

    @Test("Containers call each other by the agent's own address; everyone else takes the provisioner's")
    func provisioned() {
        let fromInside = DiscoveryRule.address(of: inside, for: inside)
        #expect(fromInside?.handedOut == "http://ws-a:8000")
        // The agent's own word has no exemption from the address rules.
        #expect(fromInside?.isProvisioned == false)
        let fromOutside = DiscoveryRule.address(of: inside, for: outside)
        #expect(fromOutside?.handedOut == "http://127.0.0.1:40000")
        #expect(fromOutside?.isProvisioned == true)
    }

    @Test(
        "External agents on the host are reached from containers by the host's other name",
        arguments: [
            ("http://localhost:9000/a?b=c", "http://host.docker.internal:9000/a?b=c"),
            ("http://127.0.0.1:9000", "http://host.docker.internal:9000"),
            ("https://agent.example/x", "https://agent.example/x"),
            ("http://127.0.0.1.example/", "http://127.0.0.1.example/"),
        ])
    func external(url: String, rewritten: String) {
        let target = peer(url: url, own: "http://ws-b:8000", isExternal: true)
        let fromInside = DiscoveryRule.address(of: target, for: inside)
        #expect(fromInside?.handedOut == rewritten)
        #expect(fromInside?.url == url && fromInside?.isProvisioned == false)
        #expect(DiscoveryRule.address(of: target, for: outside)?.handedOut == url)
    }
}
