import Configuration
import Foundation
import Observability
import URLSafety
import UVHTTPServer

/// The configuration that every service reads from its environment.
package struct CommonConfiguration: Sendable {
    package var databaseURL: String
    package var amqpURLs: String
    package var redisURL: String
    package var host: String
    package var port: Int
    package var adminToken: String?
    package var isDevelopment: Bool
    /// Which networks agents may be in.
    package var deployment: DeploymentMode
    package var orgID: String?
    package var corsOrigins: [String]
    package var rateLimit: Int
    package var trustedProxies: [String]
    package var shutdownGraceSeconds: Int
    package var logLevel: LogLevel
    /// Where clients reach the platform; `nil` to take what each client used.
    package var platformURL: String?
    package var eventLoops: Int
    package var postgresConnectionsPerLoop: Int

    package init(_ reader: ConfigurationReader, service: ServiceName) {
        databaseURL = reader.string(
            "DATABASE_URL", default: "postgres://switchyard@127.0.0.1:5432/switchyard", secret: true,
            "Postgres; several hosts and target_session_attrs=read-write for failover.")
        amqpURLs = reader.string(
            "AMQP_URL", default: "amqp://guest:guest@127.0.0.1:5672/", secret: true,
            "RabbitMQ; several, comma separated.")
        redisURL = reader.string("REDIS_URL", default: "redis://127.0.0.1:6379/0", secret: true, "Redis.")
        host = reader.string("LISTEN_HOST", default: "127.0.0.1", "The IP address to listen on.")
        port = reader.int("PORT", default: service.defaultPort, in: 0...65535, "The port to listen on; 0 picks one.")
        let environment = Self.environment(reader)
        isDevelopment = Self.isDevelopment(reader)
        adminToken = reader.optionalString("ADMIN_TOKEN", secret: true, "The operator's bearer.")
        if adminToken == nil, !isDevelopment {
            reader.problem(
                "ADMIN_TOKEN", expected: "a secret: without one only MOLECULE_ENV=development may start")
        }
        let deployMode = reader.optionalString("MOLECULE_DEPLOY_MODE", "saas allows private addresses of agents.")
        orgID = reader.optionalString("MOLECULE_ORG_ID", "Requests must name it in X-Molecule-Org-Id.")
        deployment = DeploymentMode(environment: [
            "MOLECULE_DEPLOY_MODE": deployMode ?? "", "MOLECULE_ORG_ID": orgID ?? "", "MOLECULE_ENV": environment,
        ])
        if deployment.unknownValue != nil {
            reader.warning("MOLECULE_DEPLOY_MODE", expected: "saas or self-hosted, which it is taken for")
        }
        corsOrigins = reader.list(
            "CORS_ORIGINS", default: ["http://localhost:3000", "http://localhost:3001"],
            "Origins that browsers may call from, comma separated.")
        rateLimit = reader.int(
            "RATE_LIMIT", default: 600, in: 0...10_000_000,
            "Requests a minute and client of each instance; 0 is no limit.")
        // Open development mode has no clients to tell apart.
        if isDevelopment, adminToken == nil { rateLimit = 0 }
        trustedProxies = reader.list(
            "TRUSTED_PROXIES", default: [], "Addresses or networks whose X-Forwarded-For is believed.")
        shutdownGraceSeconds = reader.int(
            "SHUTDOWN_GRACE_SECONDS", default: 30, in: 0...3600,
            "Seconds to finish what is in flight; requests have five sixths of it.")
        logLevel = reader.choice("LOG_LEVEL", default: .info, isLenient: true, "The least that is logged.")
        platformURL = reader.optionalString("PLATFORM_URL", "Where clients reach the platform.")
        eventLoops = reader.int(
            "EVENT_LOOPS", default: ProcessInfo.processInfo.activeProcessorCount, in: 1...256,
            "Threads for I/O; by default one a core.")
        postgresConnectionsPerLoop = reader.int(
            "POSTGRES_CONNECTIONS_PER_LOOP", default: 2, in: 1...64,
            "Pipelined connections of each loop; where calls wait for locks, as many again for those.")
    }
}

extension CommonConfiguration {
    private static func environment(_ reader: ConfigurationReader) -> String {
        reader.string(
            "MOLECULE_ENV", default: "production", "development (or dev) relaxes authentication and addresses.")
    }

    /// Whether this is a developer's machine; for settings that only have a default there.
    package static func isDevelopment(_ reader: ConfigurationReader) -> Bool {
        ["development", "dev"].contains(environment(reader))
    }

    /// The HTTP server of this configuration.
    var server: HTTPServerConfiguration {
        var server = HTTPServerConfiguration()
        server.host = host
        server.port = UInt16(port)
        server.corsOrigins = corsOrigins
        server.rateLimit = rateLimit
        server.trustedProxies = trustedProxies
        return server
    }
}
