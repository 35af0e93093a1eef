import HTTPCore
import Synchronization
import Testing
import TestSupport
import UVHTTPServer

/// What a response retains accounts for its memory: it goes when the bytes have gone, not when the handler has returned.
@Suite struct RetainedTests {
    private final class Held: Sendable {
        private let count: Counted

        init(_ count: Counted) { self.count = count }
        deinit { count.released.add(1, ordering: .relaxed) }
    }

    private final class Counted: Sendable {
        let released = Atomic(0)
        var value: Int { released.load(ordering: .relaxed) }
    }

    /// More than any kernel takes ahead of its client.
    private static let large = [UInt8](repeating: 0x78, count: 64 << 20)

    private func with(_ body: (TestServer, Counted) async throws -> Void) async throws {
        let count = Counted()
        try await withServer(routes: { router in
            for (path, bytes) in [("/large", Self.large), ("/small", [0x78])] {
                router.on(.get, path) { _ in
                    var response = Response(.ok, body: .bytes(bytes))
                    response.retained = Held(count)
                    return response
                }
            }
        }) { try await body($0, count) }
    }

    private func ask(_ client: RawClient, for path: String) {
        client.send("GET \(path) HTTP/1.1\r\nHost: x\r\n\r\n")
    }

    @Test func isKeptUntilTheClientHasTakenTheResponse() async throws {
        try await with { server, count in
            let client = try RawClient(port: server.port, receiveBuffer: 4096)
            ask(client, for: "/large")
            #expect(await client.receive())
            #expect(count.value == 0)
            #expect(try await client.response().body.count == Self.large.count)
            try await eventually("the release") { count.value == 1 }
            ask(client, for: "/small")
            #expect(try await client.response().body.count == 1)
            try await eventually("the release") { count.value == 2 }
        }
    }

    @Test func goesWithTheClient() async throws {
        try await with { server, count in
            var client: RawClient? = try RawClient(port: server.port, receiveBuffer: 4096)
            if let client {
                ask(client, for: "/large")
                #expect(await client.receive())
            }
            #expect(count.value == 0)
            client = nil
            try await eventually("the release") { count.value == 1 }
        }
    }
}
