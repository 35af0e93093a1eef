import Foundation

/// A registry of images as far as pulls and the question for a digest need one, at the same address for an engine in its own
/// network and for this process.
///
/// It serves one repository, `agent`, with one tag, `latest`.
package final class RegistryServer: Sendable {
    /// Whom it lets in.
    package enum Access: String, Sendable {
        case everybody, password, token
    }

    package static let user = "me"
    package static let password = "pass-of-ours"

    /// E.g. `127.0.0.1:40001`
    package let address: String
    package var image: String { "\(address)/agent:latest" }
    private let folder: String
    private let beside: Leash
    private let here: Leash

    private init(address: String, folder: String, beside: Leash, here: Leash) {
        self.address = address
        self.folder = folder
        self.beside = beside
        self.here = here
    }

    /// Starts a registry without an image.
    package static func start(beside podman: PodmanServer, _ access: Access = .everybody) async throws -> RegistryServer
    {
        let folder = try TemporaryFolder.make("registry")
        try FileManager.default.createDirectory(atPath: "\(folder)/blobs", withIntermediateDirectories: true)
        let port = try Ports.free()
        let python = ProcessInfo.processInfo.environment["SWITCHYARD_PYTHON"] ?? "/usr/bin/python3"
        let command = [python, "-c", script, folder, String(port), access.rawValue, "\(user):\(password)"]
        let beside = try await podman.startBeside(command)
        let here = try await Leash.start(command, directory: folder)
        let server = RegistryServer(address: "127.0.0.1:\(port)", folder: folder, beside: beside, here: here)
        let url = "http://\(user):\(password)@\(server.address)/v2/"
        do {
            try await eventually("the registries to listen", detail: { beside.outputTail + here.outputTail }) {
                guard (try? await podman.get("http://\(server.address)/health")) != nil else { return false }
                return (try? await Leash.run(["curl", "-sSf", "--max-time", "5", url])) != nil
            }
        } catch {
            await server.stop()
            throw error
        }
        return server
    }

    package func stop() async {
        await beside.kill()
        await here.kill()
    }

    /// Gives out an image of an engine as `agent:latest` from now on.
    package func push(_ image: String, of podman: PodmanServer) async throws {
        let layout = try TemporaryFolder.make("layout") + "/layout"
        try await podman.control("save", "--format", "oci-dir", "--output", layout, image)
        try await Leash.run(["cp", "-r", "\(layout)/blobs/.", "\(folder)/blobs"])
        try await Leash.run(["cp", "\(layout)/index.json", "\(folder)/new"])
        try await Leash.run(["mv", "\(folder)/new", "\(folder)/index.json"])
    }

    /// What is refused from now on: the request for a manifest, or only a pull's other requests.
    package enum Fault: String, Sendable, CaseIterable {
        case manifests, blobs
    }

    package func setFault(_ fault: Fault?) throws {
        for fault in Fault.allCases { try? FileManager.default.removeItem(atPath: "\(folder)/no-\(fault.rawValue)") }
        if let fault { try "".write(toFile: "\(folder)/no-\(fault.rawValue)", atomically: true, encoding: .utf8) }
    }

    private static let script = """
        import base64, http.server, json, pathlib, sys
        folder, port, access, credentials = pathlib.Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]
        basic = 'Basic ' + base64.b64encode(credentials.encode()).decode()
        token = 'token-of-the-test'
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'
            def do_HEAD(self): self.do_GET()
            def do_GET(self):
                path, sent = self.path.split('?')[0], self.headers.get('Authorization')
                if path == '/health': return self.answer(200, b'{}')
                if path == '/token':
                    if sent != basic: return self.answer(401, b'{}')
                    return self.answer(200, json.dumps({'token': token}).encode())
                realm = f'Bearer realm="http://127.0.0.1:{port}/token",service="test",scope="repository:agent:pull"'
                challenge = {'password': 'Basic realm="test"', 'token': realm}.get(access)
                wanted = {'password': basic, 'token': 'Bearer ' + token}.get(access)
                # The test asks this one by its password whether it listens.
                if wanted and sent != wanted and not (path == '/v2/' and sent == basic):
                    return self.answer(401, b'{}', [('WWW-Authenticate', challenge)])
                parts = path.strip('/').split('/')
                if parts == ['v2']: return self.answer(200, b'{}')
                kind, name = parts[-2], parts[-1]
                if (folder / f'no-{kind}').exists(): return self.answer(404, b'{}')
                if not (folder / 'index.json').is_file(): return self.answer(404, b'{}')
                top = json.loads((folder / 'index.json').read_text())['manifests'][0]
                digest = top['digest'] if kind == 'manifests' and name == 'latest' else name
                file = folder / 'blobs' / digest.replace(':', '/')
                if not file.is_file(): return self.answer(404, b'{}')
                media = top['mediaType'] if kind == 'manifests' else 'application/octet-stream'
                self.answer(200, file.read_bytes(), [('Docker-Content-Digest', digest)], media)
            def answer(self, status, body, fields=(), media='application/json'):
                self.send_response(status)
                for name, value in [*fields, ('Content-Type', media), ('Content-Length', str(len(body)))]:
                    self.send_header(name, value)
                self.end_headers()
                if self.command != 'HEAD': self.wfile.write(body)
        http.server.ThreadingHTTPServer(('127.0.0.1', port), Handler).serve_forever()
        """
}
