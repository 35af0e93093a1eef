// swift-tools-version: 6.2
import PackageDescription

/// One place for what every target is compiled with: Swift 6 mode brings complete concurrency checking.
let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    // Asynchronous functions run where their caller does: a look at the executors on every call costs a request more
    // than its parsing.
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
]

func library(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, path: "Libraries/\(name)", swiftSettings: settings)
}

func service(
    _ name: String, executable: String, _ dependencies: [Target.Dependency], exclude: [String] = []
) -> [Target] {
    [
        .target(
            name: name, dependencies: dependencies, path: "Services/\(name)", exclude: ["Main"] + exclude,
            swiftSettings: settings),
        .executableTarget(
            name: executable, dependencies: [.byName(name: name), "ServiceHost"], path: "Services/\(name)/Main",
            swiftSettings: settings,
            // In place of the system's allocator, which is slow for what a loop does: many small pieces that all live
            // about as long as a request.
            linkerSettings: [.linkedLibrary("jemalloc")]),
    ]
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(
        name: name, dependencies: dependencies + ["TestSupport"], path: "Tests/\(name)", swiftSettings: settings)
}

func system(_ name: String, pkgConfig: String? = nil) -> Target {
    .systemLibrary(name: name, path: "Libraries/\(name)", pkgConfig: pkgConfig)
}

let package = Package(
    name: "switchyard",
    products: [
        .library(name: "WorkspaceRuntime", targets: ["WorkspaceRuntime"]),
        .library(name: "Contracts", targets: ["Contracts"]),
        .executable(name: "registry", targets: ["registry"]),
        .executable(name: "a2a-proxy", targets: ["a2a-proxy"]),
        .executable(name: "scheduler", targets: ["scheduler"]),
        .executable(name: "notifier", targets: ["notifier"]),
        .executable(name: "sweeper", targets: ["sweeper"]),
        .executable(name: "migrate", targets: ["migrate"]),
        .executable(name: "echo-agent", targets: ["echo-agent"]),
        .executable(name: "load", targets: ["load"]),
        .executable(name: "watch", targets: ["watch"]),
    ],
    targets: [
        system("CUV", pkgConfig: "libuv"),
        system("CCares", pkgConfig: "libcares"),
        system("CLLHTTP", pkgConfig: "libllhttp"),
        system("CPQ", pkgConfig: "libpq"),
        system("CRabbitMQ", pkgConfig: "librabbitmq"),
        system("CHiredis", pkgConfig: "hiredis"),
        system("CCurl", pkgConfig: "libcurl"),
        system("COpenSSL", pkgConfig: "libcrypto"),
        system("CYAML", pkgConfig: "yaml-0.1"),
        system("CZlib", pkgConfig: "zlib"),
        system("CWslay"),
        system("CEpoll"),
        .target(name: "CConsolePages", path: "Libraries/CConsolePages"),

        library("ASCIIText"),
        library("JSONBytes", ["ASCIIText"]),
        library("Contracts", ["ASCIIText", "JSONBytes"]),
        library("Batching"),
        library("Concurrency"),
        library("WorkspaceTree"),
        library("Cron", ["ASCIIText"]),
        library("AgentResponses", ["Contracts", "JSONBytes"]),
        library("ActivityFeed", ["AgentResponses", "Contracts", "JSONBytes", "Postgres"]),
        library("Crypto", ["COpenSSL"]),
        library("Configuration"),
        library("Observability", ["JSONBytes"]),
        library("ServiceLifecycle", ["Concurrency", "UVLoop", "Observability"]),
        library("UVLoop", ["CCares", "CUV", "Concurrency", "NetworkAddresses"]),
        library("HTTPCore", ["CLLHTTP"]),
        library(
            "UVHTTPServer",
            ["CLLHTTP", "Concurrency", "UVLoop", "HTTPCore", "Observability", "JSONBytes", "Contracts"]),
        library("WebSocket", ["CWslay", "Crypto", "UVLoop", "HTTPCore", "UVHTTPServer"]),
        library(
            "UVHTTPClient", ["CLLHTTP", "CCurl", "CUV", "CZlib", "UVLoop", "HTTPCore", "Observability", "URLSafety"]),
        library("Postgres", ["CPQ", "CUV", "UVLoop", "JSONBytes", "Observability"]),
        library("Redis", ["CHiredis", "CUV", "UVLoop", "Observability"]),
        library("AMQP", ["CRabbitMQ", "Observability"]),
        library("URLSafety"),
        library("Multipart"),
        library("SchemaMigrations", ["Postgres", "Crypto", "Observability", "UVLoop"]),
        library(
            "Provisioning",
            [
                "Configuration", "Contracts", "Crypto", "HTTPCore", "JSONBytes", "Observability", "PlatformInternals",
                "UVHTTPClient", "UVLoop",
            ]),
        library(
            "Templates",
            [
                "CYAML", "Configuration", "Contracts", "Cron", "Observability", "PlatformInternals", "UVLoop",
            ]),
        library(
            "EventOutbox",
            [
                "AMQP", "Batching", "Contracts", "Crypto", "Observability", "PlatformInternals", "Postgres",
                "ServiceLifecycle", "UVLoop",
            ]),
        library(
            "Secrets",
            [
                "Configuration", "Contracts", "Crypto", "Observability", "PlatformInternals", "Postgres",
                "ServiceLifecycle", "UVLoop",
            ]),
        library(
            "Authentication",
            [
                "Postgres", "AMQP", "Concurrency", "Contracts", "Crypto", "HTTPCore", "UVHTTPServer",
                "Observability", "ServiceLifecycle", "UVLoop", "Batching", "Redis",
            ]),
        library(
            "ServiceHost",
            [
                "AMQP", "Authentication", "Configuration", "Contracts", "Crypto", "EventOutbox", "HTTPCore",
                "JSONBytes", "Observability", "PlatformInternals", "Postgres", "Redis", "ServiceLifecycle",
                "URLSafety", "UVHTTPServer", "UVLoop",
            ]),
        library(
            "WorkspaceRuntime",
            [
                "Crypto", "HTTPCore", "JSONBytes", "Observability", "ServiceLifecycle", "UVHTTPClient",
                "UVHTTPServer", "UVLoop",
            ]),

        library(
            "Lifecycle",
            [
                "Provisioning", "Secrets", "Templates", "Postgres", "EventOutbox", "UVLoop", "Contracts",
                "Authentication", "Configuration", "Observability", "ServiceLifecycle",
            ]),

        .executableTarget(
            name: "migrate",
            dependencies: ["Observability", "Postgres", "SchemaMigrations", "UVLoop"],
            path: "Migrations/Tool", swiftSettings: settings),
        .executableTarget(
            name: "echo-agent",
            dependencies: ["WorkspaceRuntime"],
            path: "Examples/EchoAgent", swiftSettings: settings),
        .executableTarget(
            name: "load",
            dependencies: ["UVLoop"],
            path: "Benchmarks/Load", swiftSettings: settings),
        .executableTarget(
            name: "watch",
            dependencies: ["AMQP", "CEpoll", "Contracts", "EventOutbox", "Observability"],
            path: "Benchmarks/Watch", swiftSettings: settings),
        .executableTarget(
            name: "next-slots",
            dependencies: ["Cron"], path: "Benchmarks/Cron", exclude: ["croniter_next.py"],
            swiftSettings: settings),

        .target(
            name: "TestSupport",
            dependencies: ["CZlib", "HTTPCore", "JSONBytes", "Postgres", "SchemaMigrations", "UVHTTPServer", "UVLoop"],
            path: "Tests/TestSupport", exclude: ["leash", "clock"], swiftSettings: settings),
        .executableTarget(
            name: "call-probe",
            dependencies: ["A2AProxy", "HTTPCore", "URLSafety", "UVHTTPClient", "UVLoop"],
            path: "Tests/CallProbe", exclude: ["namespace.sh", "servers.py"], swiftSettings: settings),
        .executableTarget(
            name: "websocket-echo",
            dependencies: ["HTTPCore", "UVHTTPServer", "UVLoop", "WebSocket"],
            path: "Tests/WebSocketEcho", swiftSettings: settings),
        tests("BatchingTests", ["Batching"]),
        tests("CronTests", ["ASCIIText", "Cron"]),
        tests(
            "SchedulerTests",
            [
                "AMQP", "Contracts", "Cron", "EventOutbox", "HTTPCore", "JSONBytes", "Observability",
                "PlatformInternals", "Postgres", "Scheduler", "ServiceHost", "UVHTTPServer", "UVLoop",
            ]),
        tests(
            "AuthenticationTests",
            [
                "Authentication", "Contracts", "Crypto", "HTTPCore", "Observability", "PlatformInternals", "Postgres",
                "Redis", "UVHTTPServer", "UVLoop",
            ]),
        tests("SecretsTests", ["Secrets", "Contracts", "Crypto", "Configuration", "Postgres"]),
        tests("WorkspaceTreeTests", ["WorkspaceTree"]),
        tests("ASCIITextTests", ["ASCIIText"]),
        tests("JSONBytesTests", ["JSONBytes"]),
        tests("ContractsTests", ["Contracts"]),
        tests(
            "ConfigurationTests",
            ["Concurrency", "Configuration", "UVLoop", "Observability", "ServiceLifecycle", "Crypto"]),
        tests("UVLoopTests", ["UVLoop"]),
        tests("UVHTTPServerTests", ["UVLoop", "HTTPCore", "UVHTTPServer", "Observability"]),
        tests(
            "WebSocketTests",
            ["WebSocket", "UVLoop", "HTTPCore", "UVHTTPServer", "Observability"]),
        tests("UVHTTPClientTests", ["CCares", "UVLoop", "HTTPCore", "UVHTTPClient", "UVHTTPServer", "Observability"]),
        tests("PostgresTests", ["UVLoop", "Postgres", "SchemaMigrations", "Observability"]),
        tests("RedisTests", ["UVLoop", "Redis", "Observability"]),
        tests("AMQPTests", ["AMQP", "Concurrency", "Observability"]),
        tests("URLSafetyTests", ["NetworkAddresses", "URLSafety"]),
        tests("MultipartTests", ["Multipart"]),
        tests(
            "ProvisioningTests",
            [
                "Configuration", "Contracts", "HTTPCore", "JSONBytes", "Observability", "Provisioning",
                "UVHTTPClient", "UVHTTPServer", "UVLoop",
            ]),
        tests("TemplatesTests", ["Configuration", "Observability", "Templates", "UVLoop"]),
        tests(
            "RegistryTests",
            [
                "A2AProxy", "Authentication", "Contracts", "EventOutbox", "HTTPCore", "JSONBytes", "Lifecycle",
                "Observability", "PlatformInternals", "Postgres", "Registry", "Scheduler", "Sweeper", "UVHTTPServer",
                "UVLoop",
            ]),
        tests(
            "A2AProxyTests",
            [
                "A2AProxy", "Contracts", "JSONBytes", "HTTPCore", "WorkspaceTree", "Postgres", "UVLoop",
                "EventOutbox", "UVHTTPServer", "Authentication", "Redis", "Observability", "AMQP",
                "UVHTTPClient", "Lifecycle", "ServiceLifecycle", "Batching", "Crypto", "ActivityFeed", "AgentResponses",
            ]),
        tests(
            "LifecycleTests",
            [
                "AMQP", "Contracts", "EventOutbox", "Lifecycle", "Observability", "Postgres", "Provisioning",
                "Secrets", "ServiceLifecycle", "Templates", "UVLoop",
            ]),
        tests(
            "EventOutboxTests",
            ["EventOutbox", "AMQP", "Contracts", "Observability", "Postgres", "ServiceLifecycle"]),
        tests(
            "NotifierTests",
            [
                "Authentication", "Contracts", "Crypto", "EventOutbox", "HTTPCore", "JSONBytes", "Notifier",
                "Observability", "Postgres", "Redis", "ServiceLifecycle", "UVHTTPClient", "UVHTTPServer", "UVLoop",
            ]),
        tests(
            "SweeperTests",
            [
                "AMQP", "Configuration", "Contracts", "EventOutbox", "Lifecycle", "Observability",
                "PlatformInternals", "Postgres", "Provisioning", "Redis", "ServiceHost", "ServiceLifecycle",
                "Sweeper", "UVLoop",
            ]),
        tests(
            "WorkspaceRuntimeTests",
            [
                "HTTPCore", "JSONBytes", "Observability", "UVHTTPClient", "UVHTTPServer", "UVLoop",
                "WorkspaceRuntime",
            ]),
        tests(
            "IntegrationTests",
            [
                "Contracts", "HTTPCore", "JSONBytes", "Notifier", "Observability", "PlatformInternals", "Postgres",
                "Templates", "UVHTTPClient", "UVHTTPServer", "UVLoop",
            ]),
    ]
        + service(
            "Registry", executable: "registry",
            serviceLibraries + ["URLSafety", "Lifecycle", "Provisioning", "Secrets", "Templates"])
        + service(
            "A2AProxy", executable: "a2a-proxy",
            serviceLibraries + ["URLSafety", "Lifecycle", "ActivityFeed", "AgentResponses"])
        + service("Scheduler", executable: "scheduler", serviceLibraries + ["Cron", "ActivityFeed", "AgentResponses"])
        + service(
            "Notifier", executable: "notifier",
            serviceLibraries
                + ["WebSocket", "Multipart", "Provisioning", "CConsolePages", "ActivityFeed", "AgentResponses"],
            exclude: ["Console/Pages"])
        + service(
            "Sweeper", executable: "sweeper",
            [
                "AMQP", "Authentication", "Configuration", "Contracts", "Crypto", "EventOutbox", "HTTPCore",
                "JSONBytes", "Lifecycle", "Observability", "PlatformInternals", "Postgres", "Provisioning", "Redis",
                "ServiceHost", "ServiceLifecycle", "Templates", "UVHTTPServer", "UVLoop",
            ])
)
