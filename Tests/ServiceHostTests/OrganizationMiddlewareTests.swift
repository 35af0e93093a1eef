import HTTPCore
import ServiceHost
import Testing
import UVHTTPServer

@Suite struct OrganizationMiddlewareTests {
    private func isAdmitted(_ target: String, _ method: HTTPMethod = .get, _ headers: HTTPHeaders = [:]) -> Bool {
        var head = HTTPMessageHead()
        (head.method, head.target, head.headers) = (method, target, headers)
        let refusal = OrganizationMiddleware(id: "acme").refusal(of: head)
        if let refusal { #expect(refusal.status == .notFound) }
        return refusal == nil
    }

    @Test(arguments: ["/health", "/ready", "/metrics", "/registry/register", "/registry/heartbeat"])
    func whatProbesAndAgentsCallIsOpen(_ path: String) {
        #expect(isAdmitted(path) && isAdmitted("\(path)?a=b") && isAdmitted("\(path)?") && isAdmitted(path, .post))
    }

    /// By the path as it is routed, not by one that it resembles.
    @Test(arguments: [
        "/", "", "/workspaces", "/health/", "//health", "/HEALTH", "/health#a", "/healthy", "/%68ealth", "/./health",
        "/registry/register/x", "/x?/health", "http://host/health", "*", "/admin/../health",
    ])
    func everythingElseIsClosed(_ target: String) {
        #expect(!isAdmitted(target))
        #expect(isAdmitted(target, .get, ["X-Molecule-Org-Id": "acme"]))
    }

    @Test(arguments: ["", "ACME", "acme ", "acme,other", "acm", "acmee"]) func anotherNameIsRefused(_ name: String) {
        #expect(!isAdmitted("/workspaces", .get, ["X-Molecule-Org-Id": name]))
    }

    @Test(arguments: [
        ("x-molecule-org-id", true), ("X-Molecule-Org-Id", true), ("authorization, x-molecule-org-id", true),
        ("authorization,x-molecule-org-id,traceparent", true), ("authorization", false), ("", false),
        ("x-molecule-org-id-2", false), ("not-x-molecule-org-id", false),
    ])
    func aPreflightAnnouncesTheHeader(_ names: String, _ isAdmitted: Bool) {
        let headers: HTTPHeaders = ["Access-Control-Request-Headers": names]
        #expect(self.isAdmitted("/workspaces", .options, headers) == isAdmitted)
        #expect(!self.isAdmitted("/workspaces", .get, headers), "any other request has to carry it")
    }
}
