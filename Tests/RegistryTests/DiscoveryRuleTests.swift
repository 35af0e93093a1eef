import Contracts
import Foundation
import PlatformInternals
import Testing

@testable import Registry

@Suite("Which address a peer is given")
struct DiscoveryRuleTests {
    private func peer(
        _ status: WorkspaceStatus = .online, url: String? = nil, own: String? = nil, isProvisioned: Bool = false,
        isExternal: Bool = false
    ) -> PeerRecord {
        let id = UUID()
        return PeerRecord(
            id: id, name: "peer", status: status, url: url, internalURL: own, isProvisioned: isProvisioned,
            isExternal: isExternal, forwardedTo: nil, position: TreePosition(id: id, ancestors: []))
    }

    private var outside: PeerRecord { peer(url: "http://agent.example", isExternal: true) }
    private var inside: PeerRecord { peer(url: "http://127.0.0.1:40000", own: "http://ws-a:8000", isProvisioned: true) }

    @Test("Who does not run, or has no address, is not reachable", arguments: WorkspaceStatus.allCases)
    func reachable(status: WorkspaceStatus) {
        let isRunning = status == .online || status == .degraded
        let address = DiscoveryRule.address(of: peer(status, url: "http://agent.example"), for: outside)
        #expect((address != nil) == isRunning)
        #expect(DiscoveryRule.address(of: peer(status), for: outside) == nil)
    }

    @Test("Containers call each other by the agent's own address; all others take the provisioner's")
    func provisioned() {
        let fromInside = DiscoveryRule.address(of: inside, for: inside)
        #expect(fromInside?.publishedURL == "http://ws-a:8000")
        // An address that the agent reports is not exempt from the address rules.
        #expect(fromInside?.source == .agent)
        let fromOutside = DiscoveryRule.address(of: inside, for: outside)
        #expect(fromOutside?.publishedURL == "http://127.0.0.1:40000")
        #expect(fromOutside?.source == .provisioner)
    }

    @Test(
        "No container is given an address that is itself",
        arguments: [
            // MOLECULE_IN_DOCKER, or a machine: the provisioner's address is good everywhere.
            ("http://ws-x:8000", nil, "http://ws-x:8000"),
            ("http://10.0.0.7:8000/a", "http://localhost:8000", "http://10.0.0.7:8000/a"),
            ("http://127.0.0.1:40000", "http://10.1.1.1:8000", "http://10.1.1.1:8000"),
            // A port of the host: the container has a name.
            ("http://127.0.0.1:40000", nil, nil), ("http://127.0.0.1:40000", "http://localhost:8000", nil),
            ("http://127.0.0.1:40000", "http://127.1:8000", nil), ("http://127.0.0.1:40000", "http://[::1]:8000", nil),
        ])
    func betweenContainers(url: String, own: String?, expected: String?) {
        let target = peer(url: url, own: own, isProvisioned: true)
        let name = "http://ws-\(target.id.lowercased.prefix(12)):8000"
        let address = DiscoveryRule.address(of: target, for: inside)
        #expect(address?.publishedURL == expected ?? name)
        #expect((address?.source == .containerName) == (expected == nil))
        #expect(DiscoveryRule.address(of: target, for: outside)?.publishedURL == url)
    }

    @Test("An agent that was started by hand on the host is reached from containers by the host's other name")
    func byHand() {
        let target = peer(url: "http://localhost:9000")
        #expect(DiscoveryRule.address(of: target, for: inside)?.publishedURL == "http://host.docker.internal:9000")
        #expect(DiscoveryRule.address(of: target, for: outside)?.publishedURL == "http://localhost:9000")
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
        #expect(fromInside?.publishedURL == rewritten)
        #expect(fromInside?.url == url && fromInside?.source == .agent)
        #expect(DiscoveryRule.address(of: target, for: outside)?.publishedURL == url)
    }
}
