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

let serviceLibraries: [Target.Dependency] = [
    "ServiceHost", "Contracts", "JSONBytes", "Configuration", "Observability", "ServiceLifecycle", "EventLoop",
    "HTTPCore", "HTTPServer", "HTTPClient", "PostgresClient", "AMQPClient", "RedisClient", "Crypto",
    "Authentication", "EventOutbox", "Batching", "WorkspaceTree",
]

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

        library("Contracts"),
        library("JSONBytes"),
        library("Batching"),
        library("WorkspaceTree"),
        library("Cron"),
        library("AgentResponses", ["Contracts", "JSONBytes"]),
        library("Crypto", ["COpenSSL"]),
        library("Configuration"),
        library("Observability", ["JSONBytes"]),
        library("ServiceLifecycle", ["EventLoop", "Observability"]),
        library("EventLoop", ["CUV"]),
        library("HTTPCore", ["CLLHTTP"]),
        library("HTTPServer", ["CLLHTTP", "EventLoop", "HTTPCore", "Observability", "JSONBytes", "Contracts"]),
        library("WebSocket", ["CWslay", "Crypto", "EventLoop", "HTTPCore", "HTTPServer"]),
        library(
            "HTTPClient", ["CLLHTTP", "CCurl", "CUV", "CZlib", "EventLoop", "HTTPCore", "Observability", "SafeURL"]),
        library("PostgresClient", ["CPQ", "CUV", "EventLoop", "Observability"]),
        library("RedisClient", ["CHiredis", "CUV", "EventLoop", "Observability"]),
        library("AMQPClient", ["CRabbitMQ", "Observability"]),
        library("SafeURL"),
        library("Multipart"),
        library("Migrator", ["PostgresClient", "Crypto", "Observability", "EventLoop"]),
        library(
            "Provisioning",
            [
                "Contracts", "Configuration", "Crypto", "EventLoop", "HTTPCore", "HTTPClient", "JSONBytes",
                "Observability",
            ]),
        library("Templates", ["CYAML", "Configuration", "Contracts", "Cron", "EventLoop", "Observability"]),
        library(
            "EventOutbox",
            [
                "PostgresClient", "AMQPClient", "Contracts", "Observability", "ServiceLifecycle", "JSONBytes",
                "Batching", "EventLoop", "Crypto",
            ]),
        library(
            "Secrets",
            [
                "PostgresClient", "Contracts", "Crypto", "Configuration", "Observability", "ServiceLifecycle",
                "EventLoop",
            ]),
        library(
            "Authentication",
            [
                "PostgresClient", "AMQPClient", "Contracts", "Crypto", "HTTPCore", "HTTPServer", "Observability",
                "ServiceLifecycle", "EventLoop", "Batching", "RedisClient",
            ]),
        library(
            "ServiceHost",
            [
                "Contracts", "JSONBytes", "Configuration", "Observability", "ServiceLifecycle", "EventLoop", "HTTPCore",
                "HTTPServer", "PostgresClient", "RedisClient", "AMQPClient", "Crypto", "Authentication", "EventOutbox",
                "Batching", "SafeURL",
            ]),
        library(
            "WorkspaceRuntime",
            [
                "EventLoop", "HTTPCore", "HTTPServer", "HTTPClient", "Observability", "JSONBytes", "ServiceLifecycle",
                "Crypto",
            ]),

        library(
            "Lifecycle",
            [
                "Provisioning", "Secrets", "Templates", "PostgresClient", "EventOutbox", "EventLoop", "Contracts",
                "Authentication", "Configuration", "Observability", "ServiceHost", "ServiceLifecycle",
            ]),

        .executableTarget(
            name: "migrate",
            dependencies: ["Migrator", "PostgresClient", "EventLoop", "Observability"],
            path: "Migrations/Tool", swiftSettings: settings),
        .executableTarget(
            name: "echo-agent",
            dependencies: ["WorkspaceRuntime", "Observability"],
            path: "Examples/EchoAgent", swiftSettings: settings),
        .executableTarget(
            name: "load",
            dependencies: ["EventLoop", "HTTPCore", "HTTPClient", "HTTPServer", "JSONBytes", "Observability"],
            path: "Benchmarks/Load", swiftSettings: settings),
        .executableTarget(
            name: "watch", dependencies: ["CEpoll", "AMQPClient", "Contracts", "EventOutbox", "Observability"],
            path: "Benchmarks/Watch", swiftSettings: settings),
        .executableTarget(
            name: "next-slots", dependencies: ["Cron"], path: "Benchmarks/Cron", exclude: ["croniter_next.py"],
            swiftSettings: settings),

        .target(
            name: "TestSupport",
            dependencies: [
                "CZlib", "EventLoop", "HTTPCore", "HTTPClient", "HTTPServer", "JSONBytes", "PostgresClient", "Migrator",
                "Observability",
            ],
            path: "Tests/TestSupport", exclude: ["leash", "clock"], swiftSettings: settings),
        .executableTarget(
            name: "call-probe",
            dependencies: ["A2AProxy", "EventLoop", "HTTPCore", "HTTPClient", "SafeURL"],
            path: "Tests/CallProbe", exclude: ["namespace.sh", "servers.py"], swiftSettings: settings),
        .executableTarget(
            name: "websocket-echo",
            dependencies: ["WebSocket", "EventLoop", "HTTPCore", "HTTPServer"],
            path: "Tests/WebSocketEcho", swiftSettings: settings),
        tests("BatchingTests", ["Batching"]),
        tests("CronTests", ["Cron"]),
        tests(
            "SchedulerTests",
            [
                "Scheduler", "Cron", "Contracts", "JSONBytes", "PostgresClient", "EventLoop", "EventOutbox",
                "AMQPClient",
                "Observability", "ServiceHost", "HTTPCore", "HTTPServer",
            ]),
        tests(
            "AuthenticationTests",
            [
                "Authentication", "Crypto", "PostgresClient", "RedisClient", "EventLoop", "HTTPCore", "HTTPServer",
                "Observability",
            ]),
        tests("SecretsTests", ["Secrets", "Contracts", "Crypto", "Configuration", "PostgresClient"]),
        tests("WorkspaceTreeTests", ["WorkspaceTree"]),
        tests("JSONBytesTests", ["JSONBytes"]),
        tests("ContractsTests", ["Contracts"]),
        tests("ConfigurationTests", ["Configuration", "EventLoop", "Observability", "ServiceLifecycle", "Crypto"]),
        tests("EventLoopTests", ["EventLoop"]),
        tests("HTTPServerTests", ["EventLoop", "HTTPCore", "HTTPServer", "Observability", "Contracts"]),
        tests(
            "WebSocketTests",
            ["WebSocket", "EventLoop", "HTTPCore", "HTTPServer", "Observability"]),
        tests("HTTPClientTests", ["CUV", "EventLoop", "HTTPCore", "HTTPClient", "HTTPServer", "Observability"]),
        tests("PostgresClientTests", ["EventLoop", "PostgresClient", "Migrator", "Observability"]),
        tests("RedisClientTests", ["EventLoop", "RedisClient", "Observability"]),
        tests("AMQPClientTests", ["AMQPClient", "Observability"]),
        tests("SafeURLTests", ["SafeURL"]),
        tests("MultipartTests", ["Multipart"]),
        tests(
            "ProvisioningTests",
            [
                "Provisioning", "Contracts", "Configuration", "EventLoop", "HTTPCore", "HTTPClient", "HTTPServer",
                "JSONBytes", "Observability",
            ]),
        tests("TemplatesTests", ["Templates", "Configuration", "EventLoop", "Observability"]),
        tests(
            "RegistryTests",
            [
                "Registry", "Sweeper", "Scheduler", "A2AProxy", "Lifecycle", "Authentication", "WorkspaceTree",
                "Contracts",
                "JSONBytes", "PostgresClient", "EventLoop",
                "HTTPServer",
                "HTTPCore", "EventOutbox", "Observability",
            ]),
        tests(
            "A2AProxyTests",
            [
                "A2AProxy", "Contracts", "JSONBytes", "HTTPCore", "WorkspaceTree", "PostgresClient", "EventLoop",
                "EventOutbox", "HTTPServer", "Authentication", "RedisClient", "Observability", "AMQPClient",
                "HTTPClient", "Lifecycle", "ServiceLifecycle", "Batching", "Crypto", "AgentResponses",
            ]),
        tests(
            "LifecycleTests",
            [
                "Lifecycle", "Provisioning", "Secrets", "Contracts", "PostgresClient", "EventLoop", "EventOutbox",
                "AMQPClient", "Observability", "ServiceLifecycle", "Templates",
            ]),
        tests(
            "EventOutboxTests", ["EventOutbox", "AMQPClient", "Contracts", "Observability", "ServiceLifecycle"]),
        tests(
            "NotifierTests",
            [
                "Notifier", "Contracts", "JSONBytes", "PostgresClient", "EventLoop", "Authentication", "HTTPServer",
                "HTTPCore", "HTTPClient", "RedisClient", "Crypto", "Observability", "ServiceLifecycle", "EventOutbox",
            ]),
        tests(
            "SweeperTests",
            [
                "Sweeper", "Lifecycle", "Provisioning", "Contracts", "PostgresClient", "RedisClient", "EventLoop",
                "EventOutbox", "AMQPClient", "Observability", "Configuration", "ServiceLifecycle", "ServiceHost",
            ]),
        tests(
            "WorkspaceRuntimeTests",
            ["WorkspaceRuntime", "EventLoop", "HTTPCore", "HTTPClient", "HTTPServer", "JSONBytes", "Observability"]),
        tests(
            "IntegrationTests",
            [
                "Contracts", "JSONBytes", "HTTPCore", "HTTPClient", "HTTPServer", "EventLoop", "PostgresClient",
                "Templates", "Notifier",
            ]),
    ]
        + service(
            "Registry", executable: "registry",
            serviceLibraries + ["SafeURL", "Lifecycle", "Provisioning", "Secrets", "Templates"])
        + service("A2AProxy", executable: "a2a-proxy", serviceLibraries + ["SafeURL", "Lifecycle", "AgentResponses"])
        + service("Scheduler", executable: "scheduler", serviceLibraries + ["Cron", "AgentResponses"])
        + service(
            "Notifier", executable: "notifier",
            serviceLibraries + ["WebSocket", "Multipart", "Provisioning", "CConsolePages", "AgentResponses"],
            exclude: ["Console/Pages"])
        + service("Sweeper", executable: "sweeper", serviceLibraries + ["Lifecycle", "Provisioning", "Templates"])
)
