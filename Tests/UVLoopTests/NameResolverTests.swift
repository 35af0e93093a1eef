import Foundation
import Synchronization
import Testing
import TestSupport

@testable import UVLoop

/// Names whose server answers when the test lets it, and how often they were asked about.
private final class NameServer: Sendable {
    private let asked = Mutex<[String]>([])
    private let silence = DispatchSemaphore(value: 0)

    func look(_ host: String) -> NameResolver.Answer {
        asked.withLock { $0.append(host) }
        if host.hasPrefix("dead") { silence.wait() }
        guard host.hasPrefix("good"), let address = SocketAddress(ip: "192.0.2.1", port: 0) else {
            return .failure(ResolveError(host: host, reason: "unknown", isUnknownName: true))
        }
        return .success([address])
    }

    func questions(about host: String) -> Int { asked.withLock { $0.filter { $0 == host }.count } }
    var questions: Int { asked.withLock { $0.count } }

    /// Lets so many look-ups of dead names end.
    func end(_ count: Int) { for _ in 0..<count { silence.signal() } }

    func resolver(
        threads: Int, patience: Duration = .seconds(60), memory: Duration = .seconds(3600)
    ) -> NameResolver {
        NameResolver(name: "test-names", threads: threads, patience: patience, memory: memory, look: look)
    }
}

@Suite("Look-ups of names")
struct NameResolverTests {
    private func withLoop(_ body: (EventLoop) async throws -> Void) async throws {
        let group = EventLoopGroup(count: 1)
        defer { group.shutdown() }
        try await body(group.loops[0])
    }

    private func isLate(
        _ host: String, _ resolver: NameResolver, on loop: EventLoop, within limit: Duration = .milliseconds(20)
    ) async -> Bool {
        do {
            _ = try await loop.resolve(host: host, port: 80, within: limit, by: resolver)
            return false
        } catch {
            return !error.isUnknownName
        }
    }

    @Test("Dead names hold up neither their callers, nor files, nor the names of others")
    func dead() async throws {
        try await withLoop { loop in
            let server = NameServer()
            let (clients, stores) = (server.resolver(threads: 4), server.resolver(threads: 1))
            let busy = (0..<4).map { number in
                Task { await isLate("dead-\(number)", clients, on: loop, within: .seconds(60)) }
            }
            try await eventually("all threads to be asking") { server.questions == 4 }
            for number in 4..<8 { #expect(await isLate("dead-\(number)", clients, on: loop)) }
            #expect(server.questions == 4, "no more at a time than there are threads")
            #expect(await loop.blocking { 7 } == 7)
            let found = try await loop.resolve(host: "good", port: 80, within: .seconds(60), by: stores)
            #expect(found.map(\.description) == ["192.0.2.1:80"])
            // Those behind them come to their turn, but for those whom nobody waits for any more.
            async let late = loop.resolve(host: "good", port: 81, within: .seconds(60), by: clients)
            server.end(4)
            #expect(try await late.map(\.port) == [81])
            // Answered, and with that known not to exist.
            for task in busy { #expect(await !task.value) }
            #expect(server.questions == 6)
        }
    }

    @Test("A name that was not found is not asked about again for a moment")
    func unknown() async throws {
        try await withLoop { loop in
            let server = NameServer()
            let resolver = server.resolver(threads: 2)
            for _ in 0..<5 {
                let error = await #expect(throws: ResolveError.self) {
                    try await loop.resolve(host: "bad", port: 80, within: .seconds(60), by: resolver)
                }
                #expect(error?.isUnknownName == true)
            }
            #expect(server.questions(about: "bad") == 1)
            let forgetful = server.resolver(threads: 2, memory: .zero)
            for _ in 0..<3 {
                await #expect(throws: ResolveError.self) {
                    try await loop.resolve(host: "bad", port: 80, within: .seconds(60), by: forgetful)
                }
            }
            #expect(server.questions(about: "bad") == 4)
        }
    }

    @Test("All who ask about a name at the same time share one look-up; one that takes too long is not waited for")
    func shared() async throws {
        try await withLoop { loop in
            let server = NameServer()
            let resolver = server.resolver(threads: 4)
            let answers = await withTaskGroup(of: Bool.self) { group in
                for _ in 0..<20 {
                    group.addTask { await isLate("dead", resolver, on: loop, within: .seconds(60)) }
                }
                while server.questions == 0 { await Task.yield() }
                server.end(1)
                return await group.reduce(into: [Bool]()) { $0.append($1) }
            }
            // Unknown once it was answered, and not late.
            #expect(answers == Array(repeating: false, count: 20))
            let impatient = server.resolver(threads: 4, patience: .zero)
            let first = Task { await isLate("dead-too", impatient, on: loop, within: .seconds(60)) }
            try await eventually("the look-up") { server.questions(about: "dead-too") == 1 }
            #expect(await isLate("dead-too", impatient, on: loop, within: .seconds(3600)))
            server.end(1)
            #expect(await !first.value)
        }
    }
}
