import Configuration
import Foundation
import Observability
import Postgres
import ServiceHost
import ServiceLifecycle
import Testing
import TestSupport
import UVHTTPServer

/// Services as their main files start them, in processes of their own.
@Suite(.serialized, .timeLimit(.minutes(5))) struct ServiceLauncherTests {
    /// Where nothing listens: of no use but to start without stores.
    private static func useNoStores() {
        for (name, value) in [
            ("MOLECULE_ENV", "development"), ("PORT", "0"), ("EVENT_LOOPS", "1"), ("SHUTDOWN_GRACE_SECONDS", "5"),
            ("DATABASE_URL", "postgres://127.0.0.1:1/db"), ("AMQP_URL", "amqp://127.0.0.1:1/"),
            ("REDIS_URL", "redis://127.0.0.1:1/0"), ("LOG_LEVEL", "info"),
        ] { setenv(name, value, 1) }
    }

    /// What was logged: message and name, in order.
    private func messages(_ output: [UInt8]?) throws -> [String] {
        try String(decoding: output ?? [], as: UTF8.self).split(separator: "\n").filter { $0.hasPrefix("{") }.map {
            let line = try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
            return [line?["msg"], line?["name"]].compactMap { $0 as? String }.joined(separator: ": ")
        }
    }

    private enum NeverStarted: HostedService {
        static let name = ServiceName.scheduler

        static func settings(_ reader: ConfigurationReader) -> Int {
            reader.int("TEST_LIMIT", default: 1, in: 1...9, "Its own.")
        }

        static func assemble(_ context: ServiceContext, _ settings: Int) throws -> ServiceParts {
            print("assembled")
            throw Failure()
        }
    }

    @Test func aConfigurationIsRefusedWithAllThatIsWrongWithIt() async throws {
        let result = await #expect(
            processExitsWith: .exitCode(2), observing: [\.standardErrorContent, \.standardOutputContent]
        ) {
            for (name, value) in [
                ("PORT", "eighty"), ("RATE_LIMIT", "-1"), ("TEST_LIMIT", "10"), ("MOLECULE_ENV", "production"),
                ("DATABASE_URL", "postgres://u:hunter2@127.0.0.1:1/db"),
            ] { setenv(name, value, 1) }
            unsetenv("ADMIN_TOKEN")
            await ServiceLauncher.run(NeverStarted.self)
        }
        let text = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
        #expect(
            text.contains(
                """
                4 problems in the environment:
                  PORT is "eighty"; expected a whole number from 0 to 65535 (default: 8083)
                  ADMIN_TOKEN is not set; expected a secret: without one only MOLECULE_ENV=development may start \
                (no default)
                  RATE_LIMIT is "-1"; expected a whole number from 0 to 10000000 (default: 600)
                  TEST_LIMIT is "10"; expected a whole number from 1 to 9 (default: 1)
                """))
        #expect(!text.contains("hunter2"))
        let output = String(decoding: result?.standardOutputContent ?? [], as: UTF8.self)
        #expect(!output.contains("assembled"))
    }

    @Test func whatCannotBeAssembledCannotStart() async throws {
        let result = await #expect(processExitsWith: .exitCode(1), observing: [\.standardErrorContent]) {
            ServiceLauncherTests.useNoStores()
            await ServiceLauncher.run(NeverStarted.self)
        }
        // What cannot be reached may have been noted before.
        #expect(try messages(result?.standardErrorContent).contains("cannot start"))
    }

    private struct Failure: Error {}

    /// A part that fails once the server listens, which it finds out by another that starts after it.
    private enum Failing: HostedService {
        static let name = ServiceName.scheduler

        static func settings(_ reader: ConfigurationReader) {}

        static func assemble(_ context: ServiceContext, _ settings: Void) throws -> ServiceParts {
            let logger = context.logger
            return ServiceParts(
                router: Router(),
                services: [
                    ServiceFunction("first") { shutdown in
                        await shutdown.wait()
                        logger.info("first stops")
                    },
                    ServiceFunction("failing") { _ in throw Failure() },
                    ServiceFunction("last") { shutdown in
                        await shutdown.wait()
                        logger.info("last stops")
                    },
                ])
        }
    }

    @Test func aPartThatFailsEndsTheProcess() async throws {
        let result = await #expect(processExitsWith: .exitCode(1), observing: [\.standardErrorContent]) {
            ServiceLauncherTests.useNoStores()
            await ServiceLauncher.run(Failing.self)
        }
        let messages = try messages(result?.standardErrorContent)
        let ours = messages.filter { $0.hasSuffix("failing") || $0.contains("stop") }
        #expect(ours == ["service failed: failing", "last stops", "first stops", "stopped"], "\(messages)")
    }

    /// Waits for nothing but the shutdown.
    private enum Idle: HostedService {
        static let name = ServiceName.scheduler
        static func settings(_ reader: ConfigurationReader) {}
        static func assemble(_ context: ServiceContext, _ settings: Void) throws -> ServiceParts {
            ServiceParts(router: Router())
        }
    }

    @Test func aPortThatIsTakenEndsTheProcess() async throws {
        let result = await #expect(processExitsWith: .exitCode(1), observing: [\.standardErrorContent]) {
            ServiceLauncherTests.useNoStores()
            let taken = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
            var size = socklen_t(MemoryLayout<sockaddr_in>.size)
            withUnsafeMutablePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                    _ = bind(taken, pointer, size)
                    _ = listen(taken, 1)
                    _ = getsockname(taken, pointer, &size)
                }
            }
            setenv("PORT", "\(UInt16(bigEndian: address.sin_port))", 1)
            await ServiceLauncher.run(Idle.self)
        }
        let messages = try messages(result?.standardErrorContent)
        #expect(messages.contains("service failed: http") && !messages.contains("listening"), "\(messages)")
    }

    private static let announced = Statement(
        "test_announced", "SELECT (count(*) FILTER (WHERE is_ready))::int FROM service_instances")

    private static func announcedInstances(_ postgres: PostgresPool) async throws -> Int {
        try await postgres.query(announced).first { $0.int(0) } ?? 0
    }

    /// Ends its process once it is ready, and looks around as it stops.
    private enum StoppedWhenReady: HostedService {
        static let name = ServiceName.scheduler

        static func settings(_ reader: ConfigurationReader) {}

        static func assemble(_ context: ServiceContext, _ settings: Void) throws -> ServiceParts {
            let (postgres, logger) = (context.postgres, context.logger)
            let port = UInt16(context.configuration.port)
            return ServiceParts(
                router: Router(),
                services: [
                    ServiceFunction("part") { shutdown in
                        try await eventually("it to be ready") {
                            try await onThread { PlainSocket.status(port: port, path: "/ready") == 200 }
                        }
                        try await eventually("it to be announced") {
                            try await ServiceLauncherTests.announcedInstances(postgres) == 1
                        }
                        kill(getpid(), SIGTERM)
                        await shutdown.wait()
                        let isListening = try await onThread { PlainSocket.accepts(port: port) }
                        let announced = try await ServiceLauncherTests.announcedInstances(postgres)
                        logger.info(
                            "part stops",
                            [.name: .string("\(isListening ? "listening" : "closed"), announced: \(announced)")])
                    }
                ])
        }
    }

    @Test func aServiceStopsFromTheServerDownToItsStores() async throws {
        let database = try await SharedServers.postgres().makeMigratedDatabase("launcher")
        let broker = try await SharedServers.rabbit().makeVirtualHost("launcher")
        let redis = try await SharedServers.redis().url
        let port = Int(try Ports.free())
        let result = await #expect(processExitsWith: .exitCode(0), observing: [\.standardErrorContent]) {
            [database = database as String, broker = broker as String, redis = redis as String, port = port as Int] in
            ServiceLauncherTests.useNoStores()
            for (name, value) in [
                ("DATABASE_URL", database), ("AMQP_URL", broker), ("REDIS_URL", redis), ("PORT", "\(port)"),
                ("SHUTDOWN_GRACE_SECONDS", "30"),
            ] { setenv(name, value, 1) }
            await ServiceLauncher.run(StoppedWhenReady.self)
        }
        let messages = try messages(result?.standardErrorContent)
        let ours = messages.filter { $0 == "listening" || $0.contains("stop") || $0.contains("shut") }
        #expect(ours == ["listening", "shutting down", "part stops: closed, announced: 1", "stopped"], "\(messages)")
        let name = try #require(database.split(separator: "/").last)
        let left = try await SharedServers.postgres().sql(
            "SELECT count(*) FROM service_instances", database: String(name))
        #expect(left == "0")
    }
}
