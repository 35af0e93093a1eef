import Foundation
import JSONBytes
import Observability
import Provisioning
import Testing
import TestSupport

/// Images that are not there yet come from a registry, which may require credentials.
@Suite struct ImagePullTests {
    @Test func `an absent image is pulled, with our name and password for our registry`() async throws {
        let podman = try await SharedEngine.get()
        try await withRegistry(beside: podman) { registry in
            let workspace = makeSpecification(runtime: "pulled")
            let image = "\(registry.address)/agent:latest"
            func engine(_ credentials: RegistryCredentials?) throws -> ContainerEngine {
                try makeEngine(podman) {
                    $0.images = WorkspaceImages(overrides: ["pulled": image])
                    $0.credentials = credentials
                }
            }
            for wrong in [
                nil, RegistryCredentials(registry: registry.address, user: "me", token: "wrong-password"),
                RegistryCredentials(registry: "127.0.0.1:1", user: "me", token: "pass-of-ours"),
            ] {
                let error = await failure { try await engine(wrong).start(workspace) }
                #expect(error?.kind == .imageMissing)
                #expect(error?.detail.contains("wrong-password") == false)
            }
            let right = try engine(RegistryCredentials(registry: registry.address, user: "me", token: "pass-of-ours"))
            try await withWorkspace(workspace, on: right) {
                let url = try await right.start(workspace).url
                #expect(try await eventualResponse(podman, "\(url)/token") == workspace.token)
                // The second time it is there.
                await registry.server.kill()
                _ = try await right.start(workspace)
            }
        }
    }

    private struct Registry {
        let address: String
        let server: Leash
    }

    /// A registry that serves the image of agents to `me` with `pass-of-ours`.
    private func withRegistry(beside podman: PodmanServer, _ body: (Registry) async throws -> Void) async throws {
        let layout = try TemporaryFolder.make("registry") + "/layout"
        try await podman.control("save", "--format", "oci-dir", "--output", layout, TestImage.agent)
        let python = ProcessInfo.processInfo.environment["SWITCHYARD_PYTHON"] ?? "/usr/bin/python3"
        let registry = Registry(
            address: "127.0.0.1:5000",
            server: try await podman.startBeside([python, "-c", Self.script, layout, "me:pass-of-ours"]))
        do {
            try await eventually("the registry to listen", detail: { registry.server.outputTail }) {
                (try? await podman.get("http://me:pass-of-ours@\(registry.address)/v2/")) != nil
            }
            try await body(registry)
        } catch {
            await registry.server.kill()
            throw error
        }
        await registry.server.kill()
    }

    /// The part of the distribution protocol that a pull needs, over an OCI layout.
    private static let script = """
        import base64, http.server, json, pathlib, sys
        layout, credentials = pathlib.Path(sys.argv[1]), sys.argv[2]
        expected = 'Basic ' + base64.b64encode(credentials.encode()).decode()
        top = json.loads((layout / 'index.json').read_text())['manifests'][0]
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_HEAD(self): self.do_GET()
            def do_GET(self):
                if self.headers.get('Authorization') != expected:
                    return self.answer(401, b'{}', [('WWW-Authenticate', 'Basic realm="test"')])
                parts = self.path.strip('/').split('/')
                if parts == ['v2']: return self.answer(200, b'{}')
                kind, name = parts[-2], parts[-1]
                digest = top['digest'] if kind == 'manifests' and name == 'latest' else name
                file = layout / 'blobs' / digest.replace(':', '/')
                if not file.is_file(): return self.answer(404, b'{}')
                media = top['mediaType'] if kind == 'manifests' else 'application/octet-stream'
                self.answer(200, file.read_bytes(), [('Docker-Content-Digest', digest)], media)
            def answer(self, status, body, fields=(), media='application/json'):
                self.send_response(status)
                for name, value in [*fields, ('Content-Type', media), ('Content-Length', str(len(body)))]:
                    self.send_header(name, value)
                self.end_headers()
                if self.command != 'HEAD': self.wfile.write(body)
        http.server.HTTPServer(('127.0.0.1', 5000), Handler).serve_forever()
        """
}
