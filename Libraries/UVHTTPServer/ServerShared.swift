import Concurrency
import HTTPCore
import Observability
import Synchronization
import UVLoop

/// What all connections of a server share; immutable but for its counts.
final class ServerShared: Sendable {
    let configuration: HTTPServerConfiguration
    let routes: RouteTable
    let admission: Admission?
    let cors: CORS
    let proxies: TrustedProxies
    let limiter: RateLimiter?
    let metrics: ServerMetrics
    /// Where requests without a route are counted.
    let unmatched: RouteMetrics
    let logger: Logger
    let connectionCount = Atomic<Int>(0)
    let timeouts: Timeouts
    let connectionLimits: HTTPConnectionStateMachine.Limits

    /// The configuration's durations in milliseconds, as deadlines are kept.
    struct Timeouts: Sendable {
        let head: UInt64
        let idle: UInt64
        let body: UInt64
        let write: UInt64
        let drain: UInt64
        let linger: UInt64
    }

    init(
        _ configuration: HTTPServerConfiguration, router: Router, admission: Admission?,
        middleware: [any Middleware], logger: Logger, metrics registry: MetricsRegistry
    ) {
        self.configuration = configuration
        self.admission = admission
        let metrics = ServerMetrics(registry)
        routes = RouteTable(
            router.routes.map { route in
                let compiled = CompiledRoute(
                    template: route.template, parameterNames: RouteTable.parameterNames(in: route.template),
                    options: route.options, maxBodyBytes: route.options.maxBodyBytes ?? configuration.maxBodyBytes,
                    handler: middleware.around(route.handler), metrics: metrics.route(route.method, route.template))
                return (route.method, compiled)
            })
        self.metrics = metrics
        unmatched = metrics.route(HTTPMethod("other"), "unmatched")
        cors = CORS(configuration.corsOrigins)
        proxies = TrustedProxies(configuration.trustedProxies)
        limiter = configuration.rateLimit > 0 ? RateLimiter(limit: configuration.rateLimit) : nil
        self.logger = logger
        connectionLimits = HTTPConnectionStateMachine.Limits(
            bufferedBodyBytes: configuration.bufferedBodyBytes, drainedBodyBytes: configuration.drainedBodyBytes,
            bodyProgressBytes: configuration.bodyProgressBytes)
        timeouts = Timeouts(
            head: Self.milliseconds(configuration.headTimeout), idle: Self.milliseconds(configuration.idleTimeout),
            body: Self.milliseconds(configuration.bodyTimeout), write: Self.milliseconds(configuration.writeTimeout),
            drain: Self.milliseconds(min(configuration.drainTimeout, configuration.writeTimeout)),
            linger: Self.milliseconds(configuration.lingerTimeout))
    }

    /// At least one: a deadline that has passed already would close every connection.
    private static func milliseconds(_ duration: Duration) -> UInt64 { max(1, duration.milliseconds) }
}
