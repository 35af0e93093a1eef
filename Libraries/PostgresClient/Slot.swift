import EventLoop

/// Keeps one connection: opens it, and opens it again when it is lost, with growing pauses while that fails.
///
/// `@unchecked Sendable`: confined to one loop's thread.
final class Slot: @unchecked Sendable {
    private let loop: EventLoop
    private let open: Opener
    private let configuration: PostgresConfiguration
    private(set) var connection: Connection?
    private var connector: Connector?
    private var retry: ScheduledCall?
    private var failures = 0
    private var isClosed = false

    /// Called when there is a connection, when it makes progress, and when it is lost, with what it never sent.
    var onReady: (() -> Void)?
    var onProgress: (() -> Void)?
    var onLost: ((PostgresError, [Operation]) -> Void)?
    var onFailure: ((PostgresError) -> Void)?

    init(loop: EventLoop, open: Opener, configuration: PostgresConfiguration) {
        self.loop = loop
        self.open = open
        self.configuration = configuration
    }

    /// Begins to connect, unless that is under way or done.
    func start() {
        guard !isClosed, connection == nil, connector == nil, retry == nil else { return }
        connector = open.start(on: loop, lockTimeout: configuration.lockTimeout) { [weak self] result in
            self?.connected(result)
        }
    }

    func close(_ error: PostgresError) {
        isClosed = true
        connector?.cancel()
        connector = nil
        retry?.cancel()
        connection?.close(error)
        connection = nil
    }

    private func connected(_ result: Result<Connection, PostgresError>) {
        connector = nil
        switch result {
        case .failure(let error):
            failures += 1
            onFailure?(error)
            startLater()
        case .success(let connection):
            failures = 0
            self.connection = connection
            connection.onProgress = { [weak self] in self?.onProgress?() }
            connection.onLost = { [weak self] error, unsent in self?.lost(error, unsent) }
            onReady?()
        }
    }

    private func lost(_ error: PostgresError, _ unsent: [Operation]) {
        connection = nil
        onLost?(error, unsent)
        // Not at once: a server that ends all connections would be met by all of them in the same instant.
        startLater()
    }

    private func startLater() {
        guard !isClosed else { return }
        let pause = Backoff.pause(failures, configuration)
        retry = loop.schedule(after: pause) { [weak self] in
            self?.retry = nil
            self?.start()
        }
    }
}

/// How long to wait before connecting again.
enum Backoff {
    /// Doubles with each failure up to the maximum; half of it is chance, so that clients spread out.
    static func pause(_ failures: Int, _ configuration: PostgresConfiguration) -> Duration {
        let full = min(configuration.firstBackoff * (1 << min(failures, 16)), configuration.maximalBackoff)
        return full / 2 + full / 2 * Double.random(in: 0...1)
    }
}

/// What is needed to open a connection of a pool.
struct Opener: Sendable {
    let target: Result<ConnectionTarget, PostgresError>
    let configuration: PostgresConfiguration
    let metrics: PostgresMetrics?

    /// Starts an attempt. Loop thread only.
    ///
    /// - Parameter lockTimeout: of the session's statements; nil for connections that have one user, who sets it
    ///   himself.
    /// - Returns: the attempt, to be kept until the completion is called; nil when it failed at once, which is reported
    ///   through the completion too.
    func start(
        on loop: EventLoop, lockTimeout: Duration? = nil,
        completion: @escaping (Result<Connection, PostgresError>) -> Void
    ) -> Connector? {
        switch target {
        case .failure(let error):
            completion(.failure(error))
            return nil
        case .success(let target):
            let connector = Connector(
                loop: loop, target: target, timeout: configuration.connectTimeout, lockTimeout: lockTimeout
            ) { result in
                completion(
                    result.map {
                        Connection(
                            loop: loop, handle: $0, cancelGrace: configuration.cancelGrace, metrics: metrics)
                    })
            }
            connector.start()
            return connector
        }
    }
}
