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

/// The folders below `Fuzz/`: each a target with its corpus, some with words that its inputs are made of.
let fuzzed = ["AMQP", "Cron", "Dates", "HTTP", "JSON", "URLs", "YAML"]
let fuzzedWords = ["Cron", "HTTP", "JSON", "URLs", "YAML"]

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
        // As ./dev built it, or wrote down where the system's is: by its path, so that no variable has to be exported.
        system("CLLHTTP", pkgConfig: "\(Context.packageDirectory)/.dev/prefix/lib/pkgconfig/libllhttp.pc"),
        system("CCares", pkgConfig: "libcares"),
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
        library("Concurrency"),
        library("NetworkAddresses"),
        library("JSONBytes", ["ASCIIText"]),
        library("Contracts", ["ASCIIText", "JSONBytes"]),
        library("Batching"),
        library("PlatformInternals", ["Contracts", "JSONBytes"]),
        library("Cron", ["ASCIIText"]),
        library("ActivityFeed", ["AgentResponses", "Contracts", "JSONBytes", "Postgres"]),
        library("AgentResponses", ["Contracts", "JSONBytes"]),
        library("Crypto", ["ASCIIText", "COpenSSL"]),
        library("Configuration"),
        library("Observability", ["ASCIIText", "JSONBytes"]),
        library("ServiceLifecycle", ["Concurrency", "Observability", "UVLoop"]),
        library("UVLoop", ["CCares", "CUV", "Concurrency", "NetworkAddresses"]),
        library("HTTPCore", ["CLLHTTP"]),
        library("UVHTTPServer", ["ASCIIText", "Concurrency", "HTTPCore", "JSONBytes", "Observability", "UVLoop"]),
        library("WebSocket", ["CWslay", "Crypto", "HTTPCore", "UVHTTPServer", "UVLoop"]),
        library(
            "UVHTTPClient",
            [
                "CCurl", "CUV", "CZlib", "Concurrency", "HTTPCore", "NetworkAddresses", "URLSafety", "UVLoop",
            ]),
        library("Postgres", ["ASCIIText", "CPQ", "CUV", "Concurrency", "JSONBytes", "Observability", "UVLoop"]),
        library("Redis", ["CHiredis", "Concurrency", "Observability", "UVLoop"]),
        library("AMQP", ["CRabbitMQ", "Concurrency", "Observability"]),
        library("URLSafety", ["NetworkAddresses"]),
        library("Multipart", ["ASCIIText"]),
        library("SchemaMigrations", ["Crypto", "Observability", "Postgres"]),
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
                "Batching", "Concurrency", "Contracts", "Crypto", "HTTPCore", "Observability", "PlatformInternals",
                "Postgres", "Redis", "ServiceLifecycle", "UVHTTPServer", "UVLoop",
            ]),
        library(
            "ServiceHost",
            [
                "AMQP", "Authentication", "Concurrency", "Configuration", "Contracts", "Crypto", "EventOutbox",
                "HTTPCore", "JSONBytes", "Observability", "PlatformInternals", "Postgres", "Redis", "ServiceLifecycle",
                "URLSafety", "UVHTTPServer", "UVLoop",
            ]),
        library(
            "WorkspaceRuntime",
            [
                "Concurrency", "Crypto", "HTTPCore", "JSONBytes", "Observability", "ServiceLifecycle", "UVHTTPClient",
                "UVHTTPServer", "UVLoop",
            ]),

        library(
            "Lifecycle",
            [
                "Authentication", "Concurrency", "Configuration", "Contracts", "EventOutbox", "Observability",
                "PlatformInternals", "Postgres", "Provisioning", "Secrets", "ServiceLifecycle", "Templates", "UVLoop",
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
            dependencies: [
                "CZlib", "Concurrency", "HTTPCore", "JSONBytes", "Observability", "Postgres", "SchemaMigrations",
                "UVHTTPServer",
                "UVLoop",
            ],
            path: "Tests/TestSupport", exclude: ["leash", "clock"], swiftSettings: settings),
        .executableTarget(
            name: "call-probe",
            dependencies: ["A2AProxy", "HTTPCore", "URLSafety", "UVHTTPClient", "UVLoop"],
            path: "Tests/CallProbe", exclude: ["namespace.sh", "servers.py"], swiftSettings: settings),
        .target(
            name: "FuzzTargets",
            dependencies: [
                "AMQP", "CRabbitMQ", "Contracts", "Cron", "HTTPCore", "JSONBytes", "Observability", "Templates",
                "URLSafety", "UVHTTPClient",
            ],
            path: "Fuzz", exclude: fuzzed.map { "\($0)/corpus" } + fuzzedWords.map { "\($0)/words.dict" },
            swiftSettings: settings),
        .executableTarget(
            name: "websocket-echo",
            dependencies: ["HTTPCore", "UVHTTPServer", "UVLoop", "WebSocket"],
            path: "Tests/WebSocketEcho", swiftSettings: settings),
        tests("BatchingTests", ["Batching"]),
        tests("ASCIITextTests", ["ASCIIText"]),
        tests("FuzzTests", ["FuzzTargets"]),
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
        tests("SecretsTests", ["Configuration", "Crypto", "Postgres", "Secrets"]),
        tests("PlatformInternalsTests", ["Contracts", "PlatformInternals"]),
        tests("JSONBytesTests", ["JSONBytes"]),
        tests("ContractsTests", ["Contracts", "JSONBytes", "PlatformInternals"]),
        tests("ConcurrencyTests", ["Concurrency"]),
        tests("ConfigurationTests", ["Configuration", "Crypto"]),
        tests("NetworkAddressesTests", ["NetworkAddresses"]),
        tests("ObservabilityTests", ["Observability"]),
        tests(
            "ServiceHostTests",
            [
                "AMQP", "Configuration", "Contracts", "Crypto", "EventOutbox", "HTTPCore", "JSONBytes",
                "Observability", "Postgres", "ServiceHost", "ServiceLifecycle", "URLSafety", "UVHTTPClient",
                "UVHTTPServer", "UVLoop",
            ]),
        tests("UVLoopTests", ["UVLoop"]),
        tests("UVHTTPServerTests", ["Concurrency", "HTTPCore", "Observability", "UVHTTPServer", "UVLoop"]),
        tests("WebSocketTests", ["HTTPCore", "UVHTTPServer", "UVLoop", "WebSocket"]),
        tests("UVHTTPClientTests", ["CCares", "Concurrency", "HTTPCore", "URLSafety", "UVHTTPClient", "UVLoop"]),
        tests("PostgresTests", ["Concurrency", "Observability", "Postgres", "SchemaMigrations", "UVLoop"]),
        tests("RedisTests", ["Observability", "Redis", "UVLoop"]),
        tests("AMQPTests", ["AMQP", "Concurrency", "Observability"]),
        tests("URLSafetyTests", ["NetworkAddresses", "URLSafety"]),
        tests("MultipartTests", ["Multipart"]),
        tests(
            "ProvisioningTests",
            [
                "Concurrency", "Configuration", "Contracts", "HTTPCore", "JSONBytes", "Observability", "Provisioning",
                "UVHTTPClient", "UVHTTPServer", "UVLoop",
            ]),
        tests("TemplatesTests", ["Configuration", "Observability", "Templates", "UVLoop"]),
        tests(
            "RegistryTests",
            [
                "A2AProxy", "Authentication", "Concurrency", "Contracts", "EventOutbox", "HTTPCore", "JSONBytes",
                "Lifecycle", "Observability", "PlatformInternals", "Postgres", "Registry", "Scheduler", "ServiceHost",
                "Sweeper", "UVHTTPServer", "UVLoop",
            ]),
        tests(
            "A2AProxyTests",
            [
                "A2AProxy", "AMQP", "ActivityFeed", "AgentResponses", "Authentication", "Batching", "Concurrency",
                "Contracts", "Crypto", "EventOutbox", "HTTPCore", "JSONBytes", "Lifecycle", "Observability",
                "PlatformInternals", "Postgres", "Redis", "ServiceHost", "ServiceLifecycle", "UVHTTPClient",
                "UVHTTPServer", "UVLoop",
            ]),
        tests(
            "LifecycleTests",
            [
                "AMQP", "Concurrency", "Contracts", "EventOutbox", "Lifecycle", "Observability", "Postgres",
                "Provisioning", "Secrets", "ServiceLifecycle", "Templates", "UVLoop",
            ]),
        tests(
            "EventOutboxTests",
            [
                "AMQP", "Concurrency", "Contracts", "EventOutbox", "Observability", "PlatformInternals", "Postgres",
                "ServiceLifecycle",
            ]),
        tests(
            "NotifierTests",
            [
                "Authentication", "Concurrency", "Contracts", "Crypto", "EventOutbox", "HTTPCore", "JSONBytes",
                "Notifier", "Observability", "Postgres", "Redis", "ServiceLifecycle", "UVHTTPClient", "UVHTTPServer",
                "UVLoop",
            ]),
        tests(
            "SweeperTests",
            [
                "AMQP", "Concurrency", "Configuration", "Contracts", "EventOutbox", "Lifecycle", "Observability",
                "PlatformInternals", "Postgres", "Provisioning", "Redis", "ServiceHost", "ServiceLifecycle", "Sweeper",
                "UVLoop",
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
                "Concurrency", "Contracts", "HTTPCore", "JSONBytes", "Notifier", "Observability", "PlatformInternals",
                "Postgres", "Templates", "UVHTTPClient", "UVHTTPServer", "UVLoop",
            ]),
    ]
        + service(
            "Registry", executable: "registry",
            [
                "Authentication", "Batching", "Configuration", "Contracts", "Crypto", "EventOutbox", "HTTPCore",
                "JSONBytes", "Lifecycle", "Observability", "PlatformInternals", "Postgres", "Provisioning", "Redis",
                "Secrets", "ServiceHost", "Templates", "URLSafety", "UVHTTPServer", "UVLoop",
            ])
        + service(
            "A2AProxy", executable: "a2a-proxy",
            [
                "AMQP", "ActivityFeed", "AgentResponses", "Authentication", "Batching", "Concurrency",
                "Configuration", "Contracts", "Crypto", "EventOutbox", "HTTPCore", "JSONBytes", "Lifecycle",
                "Observability", "PlatformInternals", "Postgres", "Redis", "ServiceHost", "ServiceLifecycle",
                "URLSafety", "UVHTTPClient", "UVHTTPServer", "UVLoop",
            ])
        + service(
            "Scheduler", executable: "scheduler",
            [
                "ActivityFeed", "AgentResponses", "Authentication", "Concurrency", "Configuration", "Contracts",
                "Cron", "EventOutbox", "HTTPCore", "JSONBytes", "Observability", "PlatformInternals", "Postgres",
                "ServiceHost", "ServiceLifecycle", "UVHTTPServer", "UVLoop",
            ])
        + service(
            "Notifier", executable: "notifier",
            [
                "ActivityFeed", "AgentResponses", "Authentication", "CConsolePages", "Concurrency", "Configuration",
                "Contracts", "Crypto", "EventOutbox", "HTTPCore", "JSONBytes", "Multipart", "Observability",
                "PlatformInternals", "Postgres", "Provisioning", "ServiceHost", "ServiceLifecycle", "UVHTTPClient",
                "UVHTTPServer", "UVLoop", "WebSocket",
            ],
            exclude: ["Console/Pages"])
        + service(
            "Sweeper", executable: "sweeper",
            [
                "AMQP", "Authentication", "Concurrency", "Configuration", "Contracts", "Crypto", "EventOutbox",
                "HTTPCore", "JSONBytes", "Lifecycle", "Observability", "PlatformInternals", "Postgres",
                "Provisioning", "Redis", "ServiceHost", "ServiceLifecycle", "Templates", "UVHTTPServer", "UVLoop",
            ])
)

/// The libraries and their tests alone, for builds of their own: with a sanitizer, which `./dev test --sanitize` sets
/// this for, and with the coverage that a fuzzer follows.
if Context.environment["SWITCHYARD_LIBRARIES_ONLY"] == "1" {
    let servicesTests = ["Scheduler", "Registry", "A2AProxy", "Notifier", "Sweeper", "Integration"].map { $0 + "Tests" }
    package.targets.removeAll {
        ($0.type == .executable && $0.name != "migrate") || $0.path?.hasPrefix("Services/") == true
            || servicesTests.contains($0.name)
    }
    package.products.removeAll { $0 is Product.Executable && $0.name != "migrate" }
}
