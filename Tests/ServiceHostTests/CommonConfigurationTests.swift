import Configuration
import Observability
import ServiceHost
import Testing
import URLSafety

@Suite struct CommonConfigurationTests {
    private func read(
        _ environment: [String: String], _ service: ServiceName = .registry
    ) -> (CommonConfiguration, ConfigurationReader) {
        let reader = ConfigurationReader(environment: environment)
        return (CommonConfiguration(reader, service: service), reader)
    }

    @Test func withoutATokenOnlyDevelopmentMayStart() throws {
        let (_, reader) = read([:])
        let error = try #require(throws: ConfigurationError.self) { try reader.finish() }
        #expect(
            error.description == """
                1 problem in the environment:
                  ADMIN_TOKEN is not set; expected a secret: without one only MOLECULE_ENV=development may start \
                (no default)
                """)
        for environment in ["production", "staging", "developer", ""] {
            let (common, reader) = read(["MOLECULE_ENV": environment])
            #expect(!common.isDevelopment && reader.problems.map(\.name) == ["ADMIN_TOKEN"], "\(environment)")
        }
        for environment in ["development", "dev"] {
            let (common, reader) = read(["MOLECULE_ENV": environment])
            #expect(common.isDevelopment && common.adminToken == nil)
            try reader.finish()
        }
        try read(["ADMIN_TOKEN": "secret"]).1.finish()
    }

    @Test func openDevelopmentHasNoRateLimit() {
        #expect(read(["MOLECULE_ENV": "dev", "RATE_LIMIT": "7"]).0.rateLimit == 0)
        #expect(read(["MOLECULE_ENV": "dev", "RATE_LIMIT": "7", "ADMIN_TOKEN": "t"]).0.rateLimit == 7)
        #expect(read(["ADMIN_TOKEN": "t"]).0.rateLimit == 600)
        #expect(read([:]).0.rateLimit == 600)
    }

    @Test func everyServiceHasAPortOfItsOwn() {
        let ports = ServiceName.allCases.map { read([:], $0).0.port }
        #expect(ports == [8081, 8082, 8083, 8084, 8085])
        #expect(read(["PORT": "0"], .notifier).0.port == 0)
    }

    @Test(arguments: [
        ("PORT", "65536"), ("PORT", "-1"), ("PORT", "http"), ("RATE_LIMIT", "-1"), ("RATE_LIMIT", "10000001"),
        ("SHUTDOWN_GRACE_SECONDS", "3601"), ("SHUTDOWN_GRACE_SECONDS", "30s"), ("EVENT_LOOPS", "0"),
        ("EVENT_LOOPS", "257"), ("POSTGRES_CONNECTIONS_PER_LOOP", "0"), ("POSTGRES_CONNECTIONS_PER_LOOP", "65"),
    ])
    func numbersOutOfRangeAreRefusedByName(_ name: String, _ value: String) {
        let (_, reader) = read([name: value, "ADMIN_TOKEN": "t"])
        #expect(reader.problems.map(\.name) == [name])
        #expect(reader.problems.first?.shownValue == value)
    }

    @Test func secretsAreNotPrinted() {
        let (_, reader) = read([
            "ADMIN_TOKEN": "hunter2", "DATABASE_URL": "postgres://u:hunter2@h/db", "AMQP_URL": "amqp://u:hunter2@h/",
            "REDIS_URL": "redis://:hunter2@h/0", "PORT": "none",
        ])
        #expect(!reader.printable.contains("hunter2") && !reader.reference.contains("hunter2"))
        #expect(throws: ConfigurationError.self) { try reader.finish() }
        #expect(reader.problems.allSatisfy { "\($0)".contains("hunter2") == false })
    }

    @Test(arguments: [
        ("debug", LogLevel.debug), ("DEBUG", .debug), ("Warning", .warning), ("error", .error), ("loud", .info),
        ("", .info),
    ])
    func theLogLevelIsReadAsEverywhere(_ text: String, _ level: LogLevel) {
        #expect(read(["LOG_LEVEL": text]).0.logLevel == level)
    }

    @Test func listsAreSeparatedByCommas() {
        let (common, _) = read([
            "CORS_ORIGINS": "https://a.example, https://b.example", "TRUSTED_PROXIES": "10.0.0.0/8,::1",
        ])
        #expect(common.corsOrigins == ["https://a.example", "https://b.example"])
        #expect(common.trustedProxies == ["10.0.0.0/8", "::1"])
        #expect(read([:]).0.trustedProxies.isEmpty && read([:]).0.corsOrigins.count == 2)
    }

    @Test func anOrganisationIsADeploymentOfItsOwn() {
        #expect(read([:]).0.deployment.network == .strict)
        let (common, _) = read(["MOLECULE_ORG_ID": "acme"])
        #expect(common.orgID == "acme" && common.deployment.network == .saas)
    }
}
