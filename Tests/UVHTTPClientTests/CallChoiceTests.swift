import HTTPCore
import Testing
import UVHTTPClient
import UVLoop

extension HTTPClientSuite {
    /// The choices a caller has about how a call ends.
    @Suite(.timeLimit(.minutes(5)))
    struct CallChoiceTests {
        @Test func aCallMayGoOnWithoutItsTask() async throws {
            let server = try await ScriptedServer.start(loops) { peer, _ in
                peer.stream.loop.schedule(after: .milliseconds(100)) { peer.answer("done") }
            }
            defer { server.stop() }
            let client = makeClient()
            let call = Task { try await client.text(server.url) { $0.endsWithTask = false } }
            call.cancel()
            #expect(try await call.value == "done")
        }

        @Test func aWholeAnswerIsThereAtOnce() async throws {
            let server = try await ScriptedServer.start(loops) { peer, _ in
                peer.trickle(["HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n", "one", "two"])
            }
            defer { server.stop() }
            let response = try await makeClient().send(ClientRequest(.get, server.url), collectUpTo: 6)
            #expect(response.bytes == Array("onetwo".utf8))
        }

        @Test func someAnswersAreStreamedAllTheSame() async throws {
            let server = try await ScriptedServer.start(loops) { peer, _ in
                peer.trickle(["HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n", "a", "b"]) { peer.close() }
            }
            defer { server.stop() }
            var request = try ClientRequest(.get, server.url)
            request.collection = ResponseCollection(upTo: 1) { _, headers in
                headers["content-type"] == "text/event-stream"
            }
            let response = try await makeClient().send(request)
            #expect(response.bytes == nil)
            #expect(try await response.text() == "ab")
        }

        @Test func aClosedClientRefusesCalls() async throws {
            let server = try await ScriptedServer.start(loops) { peer, _ in peer.answer("ok") }
            defer { server.stop() }
            let client = makeClient()
            client.close()
            let error = try await failure { try await client.get(server.url) }
            #expect(error.kind == .cancelled)
            #expect(error.delivery == .notDelivered)
        }
    }
}
