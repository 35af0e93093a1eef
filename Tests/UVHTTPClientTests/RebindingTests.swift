import Foundation
import Testing
import TestSupport

/// Names whose answers change or are mixed, in a network that the test makes for itself: what is connected to decides.
///
/// `call-probe` makes the calls with the proxy's own policy, `Tests/CallProbe` has the DNS and the other servers.
@Suite("A DNS answer that changes")
struct RebindingTests {
    private struct Run {
        /// What became of each call, in order.
        let results: [String]
        /// Names that were asked for, each time.
        let queries: [String]
        /// Servers that were connected to, each time.
        let connections: [String]
    }

    private func run(_ policy: String, _ urls: [String]) async throws -> Run {
        let folder = try TemporaryFolder.make("rebinding")
        try await Leash.run([
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout",
            "\(folder)/key.pem", "-out",
            "\(folder)/certificate.pem", "-days", "2", "-subj", "/CN=rebinding.test", "-addext",
            "subjectAltName=DNS:*.rebinding.test",
        ])
        let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("CallProbe/namespace.sh").path
        let output = try await Leash.run(
            [
                "/bin/bash", script, folder, try ServiceProcess.executable("call-probe"), policy,
                "\(folder)/certificate.pem",
            ]
                + urls)
        func lines(_ name: String) throws -> [String] {
            try String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8).split(separator: "\n").map(String.init)
        }
        return Run(
            results: output.split(separator: "\n").map { String($0.drop { $0 != " " }.dropFirst()) },
            queries: try lines("queries"), connections: try lines("connections"))
    }

    /// The plain client's and libcurl's addresses of a name.
    private static let ways = [("http", 8080), ("https", 8443)]

    @Test("is refused when it leads to a private address, without a connection", arguments: ways)
    func rebinding(_ scheme: String, _ port: Int) async throws {
        let flip = "\(scheme)://flip.rebinding.test:\(port)/"
        let run = try await run("strict", [flip, flip, flip])
        #expect(run.results == ["reached public", "unsafeAddress", "unsafeAddress"])
        // One look-up a call: nobody asks again between the check and the connection.
        #expect(run.queries == Array(repeating: "flip.rebinding.test", count: 3))
        #expect(run.connections == ["public \(port)"])
    }

    @Test(
        "is the trap that the test above believes it to be: a client that checks nothing walks into it", arguments: ways
    )
    func control(_ scheme: String, _ port: Int) async throws {
        let flip = "\(scheme)://flip.rebinding.test:\(port)/"
        let run = try await run("unchecked", [flip, flip])
        #expect(run.results == ["reached public", "reached private"])
        #expect(run.connections == ["public \(port)", "private \(port)"])
    }

    @Test("that stays public is reached every time", arguments: ways)
    func staying(_ scheme: String, _ port: Int) async throws {
        let run = try await run("strict", Array(repeating: "\(scheme)://staying.rebinding.test:\(port)/", count: 3))
        #expect(run.results == Array(repeating: "reached public", count: 3))
        #expect(run.connections == Array(repeating: "public \(port)", count: 3))
    }

    @Test("Every other way of hiding an address is refused without a connection", arguments: ways)
    func hidden(_ scheme: String, _ port: Int) async throws {
        let names = ["private", "mixed", "loopback", "metadata", "mapped", "hidden"].map { "\($0).rebinding.test" }
        let numbers = [
            "10.99.0.1", "0x0a630001", "10.6488065", "174260225", "127.1", "2130706433", "[::ffff:10.99.0.1]",
        ]
        let spelled = ["PRIVATE.rebinding.TEST", "private-2.rebinding.test."]
        let urls = (names + numbers + spelled).map { "\(scheme)://\($0):\(port)/" }
        let run = try await run("strict", urls)
        #expect(run.results == urls.map { _ in "unsafeAddress" }, "\(Array(zip(urls, run.results)))")
        #expect(run.connections.isEmpty)
    }
}
