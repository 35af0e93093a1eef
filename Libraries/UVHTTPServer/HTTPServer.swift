import Concurrency
import Foundation
import Observability
import Synchronization
import UVLoop

/// An HTTP/1.1 server: every loop of the group listens on the port and keeps the connections the system gives it.
package final class HTTPServer: Sendable {
    private let shared: ServerShared
    private let parts: [LoopBound<LoopServer>]

    /// - Parameters:
    ///   - group: its loops outlive the server.
    ///   - router: the routes; fixed from now on.
    ///   - admission: asked about every request, also those that no route is for, and preflights.
    ///   - middleware: around every route's handler, the first outermost.
    package init(
        _ configuration: HTTPServerConfiguration = HTTPServerConfiguration(), group: EventLoopGroup, router: Router,
        admission: Admission? = nil, middleware: [any Middleware] = [], logger: Logger = .disabled,
        metrics: MetricsRegistry = MetricsRegistry(includesProcess: false)
    ) {
        let shared = ServerShared(
            configuration, router: router, admission: admission, middleware: middleware, logger: logger,
            metrics: metrics)
        self.shared = shared
        parts = group.loops.map { LoopBound(handing: LoopServer(shared: shared, loop: $0), to: $0) }
    }

    /// Listens on every loop.
    ///
    /// - Returns: the port.
    /// - Throws: `TCPError`, for instance when the port is taken.
    @discardableResult
    package func start() async throws -> UInt16 {
        var port = shared.configuration.port
        let isAlone = parts.count == 1
        do {
            for part in parts {
                let wanted = port
                port = try await part.loop.call { try part.value.listen(port: wanted, reusePort: !isAlone) }
            }
        } catch {
            // A server that did not start takes no connections on the loops that were quicker.
            for part in parts { _ = try? await part.loop.call { part.value.stopListening() } }
            throw error
        }
        return port
    }

    /// Connections open.
    package var connectionCount: Int { shared.connectionCount.load(ordering: .relaxed) }

    /// Closes the listeners and idle connections; requests in progress are responded to with `Connection: close`.
    package func stopAccepting() async {
        for part in parts { _ = try? await part.loop.call { part.value.stopAccepting() } }
    }

    /// Stops accepting, waits for the requests in progress, and closes what is left after `deadline`.
    package func drain(within deadline: Duration) async {
        await stopAccepting()
        let end = MonotonicClock.nanoseconds + deadline.milliseconds * 1_000_000
        while connectionCount > 0, MonotonicClock.nanoseconds < end {
            try? await parts[0].loop.sleep(for: .milliseconds(10))
            if Task.isCancelled { break }
        }
        for part in parts { _ = try? await part.loop.call { part.value.closeAll() } }
    }
}

extension EventLoop {
    /// Runs a call on the loop and waits for its result.
    func call<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withUnsafeThrowingContinuation { continuation in
            execute { continuation.resume(with: Result(catching: body)) }
        }
    }
}
