import Foundation
import Testing
import TestSupport

@Suite("Private servers") struct ServersTests {
    @Test("Postgres keeps its port and data through kill -9 and an orderly stop")
    func postgres() async throws {
        let server = try await PostgresServer.start()
        try await server.sql("CREATE TABLE t(a int); INSERT INTO t VALUES (7)")
        await server.kill()
        #expect(!PlainSocket.accepts(port: server.port))
        try await server.start()
        #expect(try await server.sql("SELECT a FROM t") == "7")
        await server.stop()
        try await server.start()
        #expect(try await server.sql("SELECT a FROM t") == "7")
        let url = try await server.makeDatabase()
        #expect(url.hasSuffix("/test_1"))
        await server.stop()
    }

    @Test("Redis comes back on its port, with its data when persistent")
    func redis() async throws {
        let server = try await RedisServer.start(persistent: true)
        try await server.command("SET", "a", "1")
        await server.kill()
        #expect(!PlainSocket.accepts(port: server.port))
        try await server.start()
        let kept = try await server.command("GET", "a")
        #expect(kept == "1")
        await server.stop()
    }

    @Test("RabbitMQ comes back after kill -9, and leaves no port mapper behind")
    func rabbit() async throws {
        let server = try await RabbitServer.start()
        let url = try await server.makeVirtualHost()
        #expect(url.hasSuffix("/test-1"))
        await server.kill()
        #expect(!PlainSocket.accepts(port: server.port))
        try await server.start()
        #expect(try await server.control("list_vhosts").contains("test-1"))
        await server.stop()
        #expect(!PlainSocket.accepts(port: server.port))
    }

    @Test("A command on a leash reports its output and exit code")
    func leash() async throws {
        let leash = try await Leash.start(["sh", "-c", "echo hello; exit 3"])
        #expect(await leash.exited() == 3)
        #expect(leash.output == "hello\n")
        let long = try await Leash.start(["sleep", "100"])
        long.signal(SIGSTOP)
        long.signal(SIGCONT)
        #expect(long.isRunning)
        await long.kill()
        let code = await long.exited()
        #expect(code == 137)
    }
}
