import AMQP
import Authentication
import Configuration
import Contracts
import EventOutbox
import Foundation
import HTTPCore
import Observability
import Postgres
import Redis
import ServiceLifecycle
import UVHTTPServer
import UVLoop

/// Starts a service: reads the configuration, makes stores and server, and runs the parts until shutdown.
package enum ServiceLauncher {
    /// Runs a service until shutdown, and ends the process.
    ///
    /// Exit codes: 0 after a requested shutdown, 1 when a part failed, 2 when the configuration is invalid.
    package static func run<Hosted: HostedService>(_ service: Hosted.Type) async -> Never {
        let reader = ConfigurationReader(environment: ProcessInfo.processInfo.environment)
        let common = CommonConfiguration(reader, service: service.name)
        let settings = service.settings(reader)
        if CommandLine.arguments.contains("--print-config") {
            print(reader.printable)
            exit(reader.problems.isEmpty ? 0 : 2)
        }
        if CommandLine.arguments.contains("--print-config-reference") {
            print(reader.reference)
            exit(0)
        }
        if CommandLine.arguments.contains("--print-routes") {
            do {
                let stores = try Stores(service: service.name, common, .disabled)
                let parts = try service.assemble(stores.context, settings)
                printRoutes(router(of: parts, stores, ReadinessProbe(stores: stores)))
                exit(0)
            } catch {
                FileHandle.standardError.write(Data("\(error)\n".utf8))
                exit(1)
            }
        }
        do {
            try reader.finish()
        } catch {
            FileHandle.standardError.write(Data("\(error)\n".utf8))
            exit(2)
        }
        let logger = Logger(service: service.name.rawValue, level: common.logLevel)
        for warning in reader.warnings {
            logger.warning(
                "bad configuration value, taking the default",
                [
                    .name: .string(warning.name), .value: .string(warning.shownValue ?? ""),
                    .custom("expected"): .string(warning.expected),
                ])
        }
        do {
            exit(try await start(service, common, settings, logger))
        } catch {
            logger.error("cannot start", [.error: .error(error)])
            exit(1)
        }
    }

    /// The routes of the service and those that all have in common.
    private static func router(of parts: ServiceParts, _ stores: Stores, _ readiness: ReadinessProbe) -> Router {
        var router = parts.router
        CommonRoutes(readiness: readiness, metrics: stores.context.metrics).add(to: &router)
        return router
    }

    /// Prints the routes, which a test compares with the OpenAPI document.
    private static func printRoutes(_ router: Router) {
        for route in router.routes.sorted(by: {
            ($0.template, $0.method.rawValue) < ($1.template, $1.method.rawValue)
        }) {
            print(route.method.rawValue, route.template)
        }
    }

    private static func start<Hosted: HostedService>(
        _ service: Hosted.Type, _ common: CommonConfiguration, _ settings: Hosted.Settings, _ logger: Logger
    ) async throws -> Int32 {
        let stores = try Stores(service: service.name, common, logger)
        let context = stores.context
        let parts = try service.assemble(context, settings)
        let readiness = ReadinessProbe(stores: stores)
        let server = HTTPServer(
            common.server, group: context.loops, router: router(of: parts, stores, readiness),
            admission: common.orgID.map { OrganizationMiddleware(id: $0).refusal(of:) },
            middleware: [AuditMiddleware(log: stores.audit)], logger: logger, metrics: context.metrics)
        let announcer = InstanceAnnouncer(context: context, readiness: readiness)
        let grace = Duration.seconds(common.shutdownGraceSeconds)
        // A sixth of the time is left for the services stopped after it, however long clients take.
        let web = WebService(server: server, announcer: announcer, grace: grace * 5 / 6, logger: logger)
        let group = ServiceGroup(
            services: stores.services + [announcer] + parts.services + [web], grace: grace,
            logger: logger, executor: context.loops.loops[0])
        readiness.begin(group.shutdownBegan)
        return await group.run()
    }
}

/// The HTTP server as a service: the last one started, the first one stopped.
private struct WebService: GracefulService {
    let name = "http"
    let server: HTTPServer
    let announcer: InstanceAnnouncer
    let grace: Duration
    let logger: Logger

    func run(until shutdown: ShutdownSignal) async throws {
        let port = try await server.start()
        logger.info("listening", [.port: .int(Int(port))])
        announcer.begin(port: port)
        await shutdown.wait()
        await server.drain(within: grace)
    }
}
