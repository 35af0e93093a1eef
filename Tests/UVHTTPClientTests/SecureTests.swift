import HTTPCore
import Testing
import TestSupport
import UVHTTPClient
import UVLoop

extension HTTPClientSuite {
    /// https and unix sockets, which libcurl carries: the same promises as over our own connections.
    @Suite(.timeLimit(.minutes(5)))
    struct SecureTests {
        private func secure(
            _ server: PythonServer, policy: @escaping ConnectPolicy = { _, _ in .allowed }
        ) -> HTTPClient {
            makeClient({ $0.certificateAuthorities = server.certificate }, policy: policy)
        }

        @Test func requestsAndAnswers() async throws {
            let server = try await PythonServer.start(.tls)
            let client = secure(server)
            let base = "https://localhost:\(server.port)"
            try await onLoop {
                let response = try await client.get(base + "/ok")
                #expect(response.status == 200)
                #expect(response.headers["content-length"] == "2")
                let text = try await response.text()
                #expect(text == "ok")

                let echo = try await client.send(
                    ClientRequest(
                        .post, base + "/echo", headers: ["Content-Type": "a/b"], body: .bytes(Array("hi".utf8))))
                #expect(echo.headers["x-type"] == "a/b")
                let echoed = try await echo.text()
                #expect(echoed == "hi")

                let bare = try await client.send(
                    ClientRequest(.put, base + "/echo", body: .bytes(Array("hi".utf8))), collectUpTo: 10)
                #expect(bare.headers["x-type"] == "None")

                let empty = try await client.send(ClientRequest(.post, base + "/echo"))
                let nothing = try await empty.text()
                #expect(nothing == "")

                let redirect = try await client.get(base + "/redirect")
                #expect(redirect.status == 302)
                let head = try await client.send(ClientRequest(.head, base + "/ok"))
                #expect(head.headers["content-length"] == "2")
                let gone = try await client.send(ClientRequest(.delete, base + "/gone"), collectUpTo: 10)
                #expect(gone.status == 404)
            }
            #expect(
                server.requests == [
                    "GET /ok", "POST /echo", "PUT /echo", "POST /echo", "GET /redirect", "HEAD /ok", "DELETE /gone",
                ])
            #expect(server.connections == 1)
            await server.stop()
        }

        @Test func aCertificateThatNobodyVouchesFor() async throws {
            let server = try await PythonServer.start(.tls)
            let error = try await failure { try await makeClient().get("https://localhost:\(server.port)/ok") }
            #expect(error.kind == .tls)
            #expect(error.delivery == .notDelivered)
            // Known, but issued to another name.
            let client = secure(server)
            let second = try await failure { try await client.get("https://127.0.0.1:\(server.port)/ok") }
            #expect(second.kind == .tls)
            #expect(server.requests.isEmpty)
            await server.stop()
        }

        @Test func thePolicyIsAsked() async throws {
            let server = try await PythonServer.start(.tls)
            let client = secure(
                server,
                policy: { address, request in
                    request.policyClass == 0 && address.ip == "127.0.0.1" ? .refused(reason: "loopback") : .allowed
                })
            for host in ["127.0.0.1", "localhost", "2130706433"] {
                let error = try await failure { try await client.get("https://\(host):\(server.port)/ok") }
                #expect(error.kind == .unsafeAddress)
                #expect(error.delivery == .notDelivered)
            }
            #expect(try await client.text("https://localhost:\(server.port)/ok") { $0.policyClass = 1 } == "ok")
            #expect(server.requests.count == 1)
            await server.stop()
        }

        @Test func failuresAndWhatIsKnownOfTheDelivery() async throws {
            let server = try await PythonServer.start(.tls)
            let client = secure(server)
            let base = "https://localhost:\(server.port)"

            let silence = try await failure {
                try await client.get(base + "/silence") { $0.idleTimeout = IdleTimeout(.seconds(1)) }
            }
            #expect(silence.kind == .idleTimeout)
            #expect(silence.delivery == .uncertain)

            let total = try await failure {
                try await client.get(base + "/silence") { $0.totalTimeout = .seconds(1) }
            }
            #expect(total.kind == .totalTimeout)

            let drop = try await failure { try await client.get(base + "/drop") }
            #expect(drop.delivery == .uncertain)

            let cut = try await failure { try await client.send(ClientRequest(.get, base + "/cut"), collectUpTo: 100) }
            #expect(cut.delivery == .responded)
            #expect(cut.status == 200)

            let large = try await failure { try await client.get(base + "/headers") }
            #expect(large.kind == .tooLarge)

            let limited = try await failure {
                try await client.send(ClientRequest(.get, base + "/big"), collectUpTo: 100)
            }
            #expect(limited.kind == .tooLarge)
            await server.stop()

            let refused = try await failure { try await client.get("https://localhost:\(try Ports.free())/") }
            #expect(refused.kind == .refused)
            #expect(refused.delivery == .notDelivered)
        }

        /// libcurl opens the second connection, and is told in time what goes over it.
        @Test func theSecondTrySaysThatItIsOne() async throws {
            let server = try await PythonServer.start(.tls)
            let client = secure(server)
            let base = "https://localhost:\(server.port)"
            try await onLoop {
                _ = try await client.text(base + "/ok")
                var request = try ClientRequest(.post, base + "/drop", headers: ["X-Try": "1"])
                request.retriesStaleConnection = true
                request.retryHeaders = ["X-Try": "2"]
                let drop = try await failure { try await client.send(request) }
                #expect(drop.wasRetried)
                #expect(drop.delivery == .uncertain)
            }
            #expect(server.requests == ["GET /ok", "POST /drop", "POST /drop"])
            #expect(server.fields.filter { $0.hasPrefix("X-Try") } == ["X-Try 1", "X-Try 2"])
            await server.stop()
        }

        @Test func aCodedAnswer() async throws {
            let server = try await PythonServer.start(.tls)
            let client = secure(server)
            let url = "https://localhost:\(server.port)/gzip"
            #expect(try await client.text(url) == String(repeating: "hello", count: 1000))
            let whole = try await client.send(ClientRequest(.get, url), collectUpTo: 5000)
            #expect(whole.bytes?.count == 5000)
            #expect(server.fields == ["Accept-Encoding identity", "Accept-Encoding identity"])
            await server.stop()
        }

        @Test func waitingForAConnectionCounts() async throws {
            let server = try await PythonServer.start(.tls)
            let client = makeClient {
                $0.certificateAuthorities = server.certificate
                $0.maxConnectionsPerHost = 1
            }
            let url = "https://localhost:\(server.port)/silence"
            let loop = loops.next()
            let first = Task(executorPreference: loop) { try await client.get(url) }
            try await eventually("sent") { server.requests.count == 1 }
            let error = try await Task(executorPreference: loop) {
                try await failure { try await client.get(url) { $0.connectTimeout = .milliseconds(200) } }
            }.value
            #expect(error.kind == .overloaded)
            #expect(error.delivery == .notDelivered)
            first.cancel()
            #expect(try await failure { try await first.value }.kind == .cancelled)
            await server.stop()
        }

        /// A call for which there is no place leaves its body alone.
        @Test func aStreamedRequestThatFindsNoPlace() async throws {
            let server = try await PythonServer.start(.tls)
            let client = makeClient {
                $0.certificateAuthorities = server.certificate
                $0.maxConnectionsPerHost = 1
                $0.maxWaitingPerHost = 0
            }
            let base = "https://localhost:\(server.port)"
            let loop = loops.next()
            let first = Task(executorPreference: loop) { try await client.get(base + "/silence") }
            try await eventually("sent") { server.requests.count == 1 }
            let source = StalledSource()
            let error = try await Task(executorPreference: loop) {
                try await failure {
                    try await client.send(ClientRequest(.post, base + "/echo", body: .stream(source)))
                }
            }.value
            #expect(error.kind == .overloaded)
            try await eventually("the source to be told") { source.isCancelled }
            first.cancel()
            _ = try? await first.value
            await server.stop()
        }

        @Test func cancelling() async throws {
            let server = try await PythonServer.start(.tls)
            let client = secure(server)
            let url = "https://localhost:\(server.port)/silence"
            let call = Task { try await client.get(url) }
            try await eventually("sent") { server.requests.count == 1 }
            call.cancel()
            #expect(try await failure { try await call.value }.kind == .cancelled)
            await server.stop()
        }

        @Test func aSlowReaderSlowsThePeerDown() async throws {
            let server = try await PythonServer.start(.tls)
            let client = secure(server)
            let response = try await client.get("https://localhost:\(server.port)/big")
            guard case .stream(let source) = response.body else {
                Issue.record("not streamed")
                return
            }
            var read = 0
            while let chunk = try await source.next() {
                #expect(chunk.count <= 256 << 10)
                #expect(chunk.first == UInt8(read >> 16))
                read += chunk.count
            }
            #expect(read == 16 << 20)
            await server.stop()
        }

        @Test func eventsComeAsTheyAreSent() async throws {
            let server = try await PythonServer.start(.tls)
            let client = secure(server)
            let request = try ClientRequest(.get, "https://localhost:\(server.port)/events")
            var streamed = request
            streamed.collection = ResponseCollection(upTo: 1000) { _, headers in
                headers["content-type"] == "text/event-stream"
            }
            let response = try await client.send(streamed)
            guard case .stream(let source) = response.body else {
                Issue.record("not streamed")
                return
            }
            var chunks: [String] = []
            while let chunk = try await source.next() { chunks.append(String(decoding: chunk, as: UTF8.self)) }
            #expect(chunks.joined() == (0..<5).map { "data: \($0)\n\n" }.joined())
            #expect(chunks.count > 2)
            await server.stop()
        }

        @Test(arguments: [nil, 600_000])
        func aStreamedRequest(length: Int?) async throws {
            let server = try await PythonServer.start(.tls)
            let client = secure(server)
            let source = ChunkSource(repeating: [UInt8](repeating: 7, count: 100_000), count: 6)
            var request = try ClientRequest(.post, "https://localhost:\(server.port)/echo", body: .stream(source))
            request.contentLength = length
            let bytes = try await client.send(request).body.collect(upTo: 1 << 20)
            #expect(bytes == [UInt8](repeating: 7, count: 600_000))
            await server.stop()
        }

        @Test func aUnixSocket() async throws {
            let server = try await PythonServer.start(.unix)
            // The policy is about addresses: a socket's path has none.
            let client = makeClient(policy: { _, _ in .refused(reason: "all") })
            let path = server.socket
            try await onLoop {
                for _ in 0..<3 {
                    let text = try await client.text("http://engine/ok") { $0.unixSocketPath = path }
                    #expect(text == "ok")
                }
            }
            #expect(server.connections == 1)
            await server.stop()
            let error = try await failure { try await client.get("http://engine/ok") { $0.unixSocketPath = path } }
            #expect(error.kind == .refused)
            let none = try await failure { try await client.get("http://engine/ok") { $0.unixSocketPath = path + "x" } }
            #expect(none.kind == .refused)
        }
    }
}
