import Foundation
import TestSupport

/// An HTTP server that is not ours, over TLS or on a unix socket, made of Python's standard library.
struct PythonServer {
    let folder: String
    private let process: Leash

    var certificate: String { "\(folder)/certificate.pem" }
    var socket: String { "\(folder)/socket" }
    var requests: [String] {
        process.output.split(separator: "\n").filter { $0.hasPrefix("request ") }.map { String($0.dropFirst(8)) }
    }
    /// Of all requests, those that tests look at.
    var fields: [String] {
        process.output.split(separator: "\n").filter { $0.hasPrefix("field ") }.map { String($0.dropFirst(6)) }
    }
    var connections: Int { process.output.split(separator: "\n").count { $0 == "connection" } }
    var port: Int { Int(process.output.firstMatch(of: /port (\d+)/)?.1 ?? "") ?? 0 }

    enum Kind: String { case tls, unix }

    static func start(_ kind: Kind) async throws -> PythonServer {
        let folder = try TemporaryFolder.make("python")
        if kind == .tls {
            try await Leash.run([
                "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "\(folder)/key.pem", "-out",
                "\(folder)/certificate.pem", "-days", "2", "-subj", "/CN=localhost", "-addext",
                "subjectAltName=DNS:localhost",
            ])
        }
        let script = "\(folder)/server.py"
        try Self.script.write(toFile: script, atomically: true, encoding: .utf8)
        let process = try await Leash.start(["python3", "-u", script, kind.rawValue, folder])
        try await eventually(within: .seconds(20), "a Python server", detail: { process.outputTail }) {
            process.output.contains("ready")
        }
        return PythonServer(folder: folder, process: process)
    }

    func stop() async { await process.kill() }

    private static let script = """
        import gzip, http.server, os, socket, socketserver, ssl, sys, time

        kind, folder = sys.argv[1:3]

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'

            def setup(self):
                print('connection', flush=True)
                super().setup()

            def address_string(self):
                return 'peer'

            def log_message(self, *arguments):
                pass

            def answer(self, body, status=200, **fields):
                self.send_response(status)
                for name, value in fields.items():
                    self.send_header(name.replace('_', '-'), value)
                self.send_header('Content-Length', str(len(body)))
                self.end_headers()
                if self.command != 'HEAD':
                    self.wfile.write(body)

            def body(self):
                if self.headers.get('Transfer-Encoding') == 'chunked':
                    found = b''
                    while size := int(self.rfile.readline(), 16):
                        found += self.rfile.read(size)
                        self.rfile.readline()
                    self.rfile.readline()
                    return found
                return self.rfile.read(int(self.headers.get('Content-Length') or 0))

            def serve(self):
                print('request', self.command, self.path, flush=True)
                for name in ('X-Try', 'Accept-Encoding'):
                    if name in self.headers:
                        print('field', name, self.headers[name], flush=True)
                body = self.body()
                if self.path == '/ok':
                    self.answer(b'ok')
                elif self.path == '/echo':
                    self.answer(body, X_Type=str(self.headers.get('Content-Type')))
                elif self.path == '/redirect':
                    self.answer(b'', 302, Location='/ok')
                elif self.path == '/headers':
                    self.answer(b'', X_Large='x' * 40000)
                elif self.path == '/silence':
                    time.sleep(60)
                elif self.path == '/gzip':
                    self.answer(gzip.compress(b'hello' * 1000), Content_Encoding='gzip')
                elif self.path == '/drop':
                    self.close_connection = True
                elif self.path == '/cut':
                    self.send_response(200)
                    self.send_header('Content-Length', '10')
                    self.end_headers()
                    self.wfile.write(b'123')
                    self.close_connection = True
                elif self.path == '/big':
                    self.send_response(200)
                    self.send_header('Content-Length', str(16 << 20))
                    self.end_headers()
                    for number in range(256):
                        self.wfile.write(bytes([number]) * 65536)
                        print('sent', number, flush=True)
                elif self.path == '/events':
                    self.send_response(200)
                    self.send_header('Content-Type', 'text/event-stream')
                    self.send_header('Transfer-Encoding', 'chunked')
                    self.end_headers()
                    for number in range(5):
                        event = b'data: %d\\n\\n' % number
                        self.wfile.write(b'%x\\r\\n%s\\r\\n' % (len(event), event))
                        time.sleep(0.5)
                    self.wfile.write(b'0\\r\\n\\r\\n')
                else:
                    self.answer(b'', 404)

            do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = serve

        if kind == 'unix':
            class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
                daemon_threads = True
            server = Server(folder + '/socket', Handler)
        else:
            class Server(http.server.ThreadingHTTPServer):
                def finish_request(self, request, address):
                    # In the connection's own thread: a client that breaks off must not stop the server.
                    try:
                        super().finish_request(context.wrap_socket(request, server_side=True), address)
                    except OSError:
                        pass
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(folder + '/certificate.pem', folder + '/key.pem')
            server = Server(('127.0.0.1', 0), Handler)
            print('port', server.server_address[1], flush=True)
        print('ready', flush=True)
        server.serve_forever()
        """
}
