import Foundation
import Synchronization
import Testing
import TestSupport

@testable import UVLoop

/// Against a name server of the test's own: nothing is asked outside of this machine.
@Suite("Look-ups of names", .timeLimit(.minutes(2)))
struct NameResolverTests {
    private static func configuration(
        _ servers: DNSServer..., timeout: Duration = .seconds(60)
    ) throws -> NameResolverConfiguration {
        var configuration = NameResolverConfiguration()
        configuration.servers = try servers.map { try #require(SocketAddress(ip: "127.0.0.1", port: $0.port)) }
        // Neither the name servers nor the search domains of the machine.
        configuration.resolverFile = "/dev/null"
        configuration.timeout = timeout
        configuration.timeToLive = .seconds(60)...(.seconds(60))
        configuration.failureTimeToLive = .seconds(60)
        return configuration
    }

    private func withLoop(
        _ configuration: NameResolverConfiguration, _ body: (EventLoop) async throws -> Void
    ) async throws {
        let group = EventLoopGroup(count: 1, names: configuration)
        defer { group.shutdown() }
        try await body(group.loops[0])
    }

    private func failure(
        _ host: String, on loop: EventLoop, within limit: Duration = .seconds(60), by origin: NameOrigin = .clients
    ) async -> ResolveError? {
        do {
            _ = try await loop.resolve(host: host, port: 80, within: limit, by: origin)
            return nil
        } catch {
            return error
        }
    }

    @Test("A name has its addresses of both families, and keeps them for all who ask")
    func positive() async throws {
        let server = try DNSServer { $0 == "good.test" ? .addresses(["192.0.2.1", "2001:db8::7"]) : .unknown }
        defer { server.stop() }
        try await withLoop(Self.configuration(server)) { loop in
            for port in 80...84 {
                for origin in [NameOrigin.clients, .stores] {
                    let found = try await loop.resolve(host: "good.test", port: UInt16(port), by: origin)
                    #expect(Set(found.map(\.description)) == ["192.0.2.1:\(port)", "[2001:db8::7]:\(port)"])
                }
            }
            #expect(server.asked == ["good.test", "good.test"], "once for each family")
        }
    }

    @Test("All who ask about a name at the same time share one look-up")
    func shared() async throws {
        let server = try DNSServer { _ in .held(["192.0.2.1"]) }
        defer { server.stop() }
        try await withLoop(Self.configuration(server)) { loop in
            let tasks = (0..<20).map { _ in Task { await failure("good.test", on: loop) } }
            try await eventually("the look-up") { server.heldCount == 2 }
            server.release()
            for task in tasks { #expect(await task.value == nil) }
            #expect(server.asked.count == 2)
        }
    }

    @Test("That a client's name does not exist is known for a while; a store's is asked for each time")
    func unknown() async throws {
        let server = try DNSServer { _ in .unknown }
        defer { server.stop() }
        try await withLoop(Self.configuration(server)) { loop in
            for _ in 0..<5 { #expect(await failure("bad.test", on: loop)?.isUnknownName == true) }
            #expect(server.questions(about: "bad.test") == 2, "once for each family")
            for _ in 0..<3 { #expect(await failure("bad.test", on: loop, by: .stores)?.isUnknownName == true) }
            #expect(server.questions(about: "bad.test") == 8)
        }
    }

    @Test("A server that fails is no server that knows")
    func failing() async throws {
        let server = try DNSServer { _ in .failure }
        defer { server.stop() }
        try await withLoop(Self.configuration(server)) { loop in
            let error = try #require(await failure("bad.test", on: loop))
            #expect(!error.isUnknownName)
            #expect(!error.isLate)
        }
    }

    @Test("A silent server is given up in time, and other names, files and callers do not wait for it")
    func silent() async throws {
        let server = try DNSServer { $0.hasPrefix("dead") ? .silence : .addresses(["192.0.2.1"]) }
        defer { server.stop() }
        try await withLoop(Self.configuration(server, timeout: .milliseconds(300))) { loop in
            let start = ContinuousClock.now
            async let dead = failure("dead.test", on: loop)
            #expect(await failure("good.test", on: loop) == nil)
            #expect(await loop.blocking { 7 } == 7)
            #expect(server.asked.contains("dead.test"))
            let error = try #require(await dead)
            let time = ContinuousClock.now - start
            #expect(error.isLate)
            #expect(!error.isUnknownName)
            #expect(time >= .milliseconds(295) && time < .seconds(10), "\(time)")
        }
    }

    @Test("The time for one attempt depends on the number of servers, and the second server is asked")
    func secondServer() async throws {
        let (dead, alive) = (try DNSServer { _ in .silence }, try DNSServer { _ in .addresses(["192.0.2.1"]) })
        defer {
            dead.stop()
            alive.stop()
        }
        try await withLoop(Self.configuration(dead, alive, timeout: .milliseconds(600))) { loop in
            #expect(await failure("good.test", on: loop) == nil)
            #expect(dead.asked.count == 2)
        }
        try await withLoop(Self.configuration(dead, dead, timeout: .milliseconds(600))) { loop in
            let start = ContinuousClock.now
            #expect(await failure("good.test", on: loop)?.isLate == true)
            #expect(ContinuousClock.now - start >= .milliseconds(590))
        }
    }

    @Test("A caller's own limit ends its waiting, and the look-up goes on for others")
    func impatient() async throws {
        let server = try DNSServer { _ in .held(["192.0.2.1"]) }
        defer { server.stop() }
        try await withLoop(Self.configuration(server)) { loop in
            let patient = Task { await failure("good.test", on: loop) }
            #expect(await failure("good.test", on: loop, within: .milliseconds(20))?.isLate == true)
            server.release()
            #expect(await patient.value == nil)
        }
    }

    @Test("A thousand names at once: a bounded number is looked up, the others wait, and more are refused")
    func bounded() async throws {
        let server = try DNSServer { _ in .held(["192.0.2.1"]) }
        defer { server.stop() }
        var configuration = try Self.configuration(server)
        configuration.concurrentLookups = [.clients: 32, .stores: 2]
        configuration.waitingLookups = 968
        try await withLoop(configuration) { loop in
            let found = Mutex(0)
            // In one turn of the loop, so that all have come before the one too many.
            loop.execute {
                for number in 0..<1000 {
                    loop.names.lookUp("name-\(number).test", for: .clients, within: .seconds(60)) { outcome in
                        if case .success = outcome { found.withLock { $0 += 1 } }
                    }
                }
            }
            let refusal = await failure("one-more.test", on: loop)
            #expect(refusal?.reason == "too many names are looked up")
            // A client's names never keep a store's from being looked up.
            async let store = failure("store.test", on: loop, by: .stores)
            try await eventually("the first look-ups and the store's") { server.heldCount == 66 }
            #expect(server.asked.count == 66)
            server.release()
            #expect(await store == nil)
            try await eventually("all names to be found") { found.withLock { $0 } == 1000 }
            #expect(Set(server.asked.filter { $0.hasPrefix("name-") }).count == 1000)
        }
    }

    @Test("Addresses and localhost are never looked up, and the hosts file comes first")
    func local() async throws {
        let server = try DNSServer { _ in .addresses(["192.0.2.1"]) }
        defer { server.stop() }
        let folder = try TemporaryFolder.make("hosts")
        try "192.0.2.77 from-file.test other.test\n2001:db8::77 from-file.test\n"
            .write(toFile: "\(folder)/hosts", atomically: true, encoding: .utf8)
        setenv("CARES_HOSTS", "\(folder)/hosts", 1)
        defer { unsetenv("CARES_HOSTS") }
        var configuration = try Self.configuration(server)
        configuration.usesHostsVariable = true
        try await withLoop(configuration) { loop in
            for literal in ["192.0.2.9", "2001:db8::9"] {
                #expect(try await loop.resolve(host: literal, port: 1).map(\.ip) == [literal])
            }
            let found = try await loop.resolve(host: "from-file.test", port: 1)
            #expect(Set(found.map(\.ip)) == ["192.0.2.77", "2001:db8::77"])
            #expect(try await loop.resolve(host: "other.test", port: 1).map(\.ip) == ["192.0.2.77"])
            // Also when no file names it (RFC 6761, 6.3).
            for name in ["localhost", "LOCALHOST"] {
                let found = try await loop.resolve(host: name, port: 1)
                #expect(!found.isEmpty && found.allSatisfy { ["127.0.0.1", "::1"].contains($0.ip) }, "\(name)")
            }
            #expect(server.asked.isEmpty, "\(server.asked)")
        }
    }

    @Test("A record's time to live is kept, within bounds", arguments: [(UInt32(0), true), (60, false)])
    func timeToLive(seconds: UInt32, isAskedAgain: Bool) async throws {
        let server = try DNSServer { _ in .addresses(["192.0.2.1"], timeToLive: seconds) }
        defer { server.stop() }
        var configuration = try Self.configuration(server)
        configuration.timeToLive = .zero ... .seconds(60)
        try await withLoop(configuration) { loop in
            for _ in 0..<3 { #expect(await failure("good.test", on: loop) == nil) }
        }
        #expect(server.asked.count == (isAskedAgain ? 6 : 2))
    }

    @Test("Changed settings of the system count from the next look-up on, and look-ups under way still end")
    func changedSettings() async throws {
        let server = try DNSServer { name in name.hasSuffix("second.test") ? .addresses(["192.0.2.1"]) : .held([]) }
        defer { server.stop() }
        let folder = try TemporaryFolder.make("resolver")
        var configuration = try Self.configuration(server)
        configuration.resolverFile = "\(folder)/resolv.conf"
        configuration.resolverFileInterval = .zero
        try "search first.test\n".write(toFile: configuration.resolverFile, atomically: true, encoding: .utf8)
        try await withLoop(configuration) { loop in
            let old = Task { await failure("name", on: loop) }
            try await eventually("the first domain") { server.asked.contains("name.first.test") }
            try "search second.test\n".write(toFile: configuration.resolverFile, atomically: true, encoding: .utf8)
            #expect(await failure("other", on: loop) == nil)
            #expect(server.asked.contains("other.second.test"))
            server.release()
            // The name has no address: it is not known whether it exists, since the other family's server may have failed.
            let error = try #require(await old.value)
            #expect(!error.isUnknownName)
        }
    }

    @Test("The end of a loop fails the look-ups under way and lets go of them")
    func loopEnds() async throws {
        let server = try DNSServer { _ in .silence }
        defer { server.stop() }
        final class Token: Sendable {}
        final class Seen: @unchecked Sendable {  // written by the loop before the continuation, read after it
            weak var resolver: NameResolver?
            weak var token: Token?
        }
        let seen = Seen()
        do {
            let group = EventLoopGroup(count: 1, names: try Self.configuration(server))
            let (loop, token) = (group.loops[0], Token())
            seen.token = token
            let outcome = await withCheckedContinuation { continuation in
                loop.execute {
                    seen.resolver = loop.names
                    loop.names.lookUp("dead.test", for: .clients, within: .seconds(60)) { [token] outcome in
                        _ = token
                        continuation.resume(returning: outcome)
                    }
                }
                Task {
                    // Also when they do not come: whoever waits has to be let go of.
                    defer { group.shutdown() }
                    try await eventually("both questions") { server.asked.count >= 2 }
                }
            }
            guard case .failure(let error) = outcome else { return #expect(Bool(false), "it has no address") }
            #expect(error.reason == "the event loop has ended")
        }
        try await eventually("the resolver to go") { seen.resolver == nil && seen.token == nil }
    }
}
