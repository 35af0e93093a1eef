import Concurrency
import Foundation
import HTTPCore
import JSONBytes
import Testing
import TestSupport
import UVHTTPServer
import UVLoop

@testable import Provisioning

/// What a tag stands for, as registries of all kinds say it.
@Suite struct ImageRegistryTests {
    @Test(arguments: [
        ("ghcr.io/molecule-ai/x:latest", "https://ghcr.io", "molecule-ai/x", "latest"),
        ("ghcr.io/molecule-ai/x", "https://ghcr.io", "molecule-ai/x", "latest"),
        ("busybox", "https://registry-1.docker.io", "library/busybox", "latest"),
        ("me/tool:2", "https://registry-1.docker.io", "me/tool", "2"),
        ("docker.io/me/tool:2", "https://registry-1.docker.io", "me/tool", "2"),
        ("registry:5000/a/b", "https://registry:5000", "a/b", "latest"),
        ("localhost/a:1", "http://localhost", "a", "1"), ("127.0.0.1:5000/a:1", "http://127.0.0.1:5000", "a", "1"),
        ("127.0.0.1.evil.example/a:1", "https://127.0.0.1.evil.example", "a", "1"),
        ("localhost.example/a", "https://localhost.example", "a", "latest"),
        ("[::1]:5000/a", "http://[::1]:5000", "a", "latest"),
    ])
    func `names are taken apart as engines do`(_ image: String, _ url: String, _ repository: String, _ tag: String) {
        let reference = ImageReference(image)
        #expect(reference?.baseURL == url && reference?.repository == repository && reference?.tag == tag)
    }

    @Test(arguments: ["", "/a", "a//b", "ghcr.io/../a", "ghcr.io/a?b", "ghcr.io/a b", "ghcr.io/a%2e", ":1"])
    func `what cannot be in a path is refused`(_ image: String) { #expect(ImageReference(image) == nil) }

    @Test func `a pinned image is not queried`() async throws {
        let registry = ImageRegistry(credentials: nil, loops: loops)
        let digest = "sha256:" + String(repeating: "a", count: 64)
        #expect(try await registry.digest(of: "127.0.0.1:1/a@\(digest)") == digest)
    }

    @Test(arguments: [
        (
            #"Bearer realm="https://a/t",service="s",scope="repository:x:pull,push""#, "bearer",
            ["realm": "https://a/t", "service": "s", "scope": "repository:x:pull,push"]
        ),
        (#"bearer Realm = "x""#, "bearer", ["realm ": " \"x\""]), ("Basic", "basic", [:]),
        (#"Basic realm=test, charset="UTF-8""#, "basic", ["realm": "test", "charset": "UTF-8"]),
        (#"Bearer realm="a\"b"#, "bearer", ["realm": "a\"b"]), ("Negotiate abc", "negotiate", [:]),
    ])
    func `challenges are read`(_ text: String, _ scheme: String, _ parameters: [String: String]) {
        let challenge = AuthChallenge(text)
        #expect(challenge?.scheme == scheme)
        if !text.contains("Realm =") { #expect(challenge?.parameters == parameters) }
    }

    // MARK: - Over HTTP

    /// Runs a test against a registry that responds as set.
    private func withRegistry(
        _ handler: @escaping @Sendable (Request) async throws -> Response,
        _ body: (_ address: String) async throws -> Void
    ) async throws {
        var configuration = HTTPServerConfiguration()
        configuration.port = try Ports.free()
        var router = Router()
        router.on(.get, "/v2/agent/manifests/latest", handler)
        router.on(.head, "/v2/agent/manifests/latest", handler)
        router.on(.get, "/token", handler)
        let server = HTTPServer(configuration, group: loops, router: router)
        _ = try await server.start()
        let result: Result<Void, any Error>
        do { result = .success(try await body("127.0.0.1:\(configuration.port)")) } catch { result = .failure(error) }
        await server.drain(within: .zero)
        try result.get()
    }

    private func digest(_ address: String, _ credentials: RegistryCredentials? = nil) async throws -> String {
        try await ImageRegistry(credentials: credentials, loops: loops).digest(of: "\(address)/agent:latest")
    }

    @Test func `a registry that names no digest has its manifest's bytes counted`() async throws {
        try await withRegistry({ _ in Response(.ok, body: .bytes(Array("abc".utf8))) }) { address in
            let expected = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
            let found = try await digest(address)
            #expect(found == expected)
        }
    }

    @Test(arguments: [
        (404, ProvisioningError.Kind.imageMissing), (403, .refused), (429, .unavailable), (500, .unavailable),
        (503, .unavailable), (301, .refused),
    ])
    func `refusals have a kind`(_ status: Int, _ kind: ProvisioningError.Kind) async throws {
        let code = HTTPStatus(status)
        try await withRegistry({ _ in Response(code) }) { address in
            #expect(await failure { try await digest(address) }?.kind == kind)
        }
    }

    @Test(arguments: [
        nil, "Negotiate", #"Bearer service="s""#, #"Bearer realm="ftp://x/token""#,
        #"Bearer realm="/etc/passwd""#, "Basic realm=x",
    ])
    func `an unusable challenge is a refusal`(_ challenge: String?) async throws {
        try await withRegistry({ _ in
            var response = Response(.unauthorized)
            if let challenge { response.headers.add("WWW-Authenticate", challenge) }
            return response
        }) { address in
            #expect(await failure { try await digest(address) }?.kind == .refused)
        }
    }

    @Test func `our password is shown to our registry's realm alone, and a token once`() async throws {
        let digest = "sha256:" + String(repeating: "0", count: 64)
        let seen = Gate()
        try await withRegistry({ request in
            let sent = request.headers["authorization"]
            if request.path == "/token" {
                if sent != nil { seen.open() }
                guard request.query("service") == "a b", request.query("scope") == "repository:agent:pull" else {
                    return Response(.badRequest)
                }
                return .json(.ok) { $0.member("access_token", "t") }
            }
            if sent == "Bearer t" { return Response(.ok, headers: ["Docker-Content-Digest": digest]) }
            var response = Response(.unauthorized)
            let realm = "http://\(request.headers["host"] ?? "")/token"
            response.headers.add("WWW-Authenticate", #"Bearer realm="\#(realm)",service="a b""#)
            return response
        }) { address in
            let theirs = RegistryCredentials(registry: "ghcr.io", user: "me", token: "secret")
            let withTheirs = try await self.digest(address, theirs)
            #expect(withTheirs == digest)
            #expect(!seen.isOpen)
            let credentials = RegistryCredentials(registry: address, user: "me", token: "secret")
            let withCredentials = try await self.digest(address, credentials)
            #expect(withCredentials == digest)
            #expect(seen.isOpen)
        }
    }

    @Test func `an endless manifest is not read to its end`() async throws {
        try await withRegistry({ request in
            Response(.ok, body: request.method == .head ? .empty : .bytes([UInt8](repeating: 65, count: 5 << 20)))
        }) { address in
            #expect(await failure { try await digest(address) }?.kind == .unavailable)
        }
    }
}
