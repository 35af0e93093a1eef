import UVLoop

/// Keeps one connection open: reconnects when it is lost, with back-off while that fails. Loop thread only.
final class PooledConnection {
    private let loop: EventLoop
    private let open: ConnectionFactory
    private let configuration: PostgresConfiguration
    private(set) var connection: PostgresConnection?
    private var connector: PostgresConnector?
    private var retry: ScheduledCall?
    private var failures = 0
    private var isClosed = false

    /// Called when there is a connection, when results arrive, and when it is lost, with the operations never sent.
    var onReady: (() -> Void)?
    var onProgress: (() -> Void)?
    var onLost: ((PostgresError, [PipelineOperation]) -> Void)?
    var onFailure: ((PostgresError) -> Void)?

    init(loop: EventLoop, open: ConnectionFactory, configuration: PostgresConfiguration) {
        self.loop = loop
        self.open = open
        self.configuration = configuration
    }

    /// Starts connecting, unless it is connecting or connected.
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

    private func connected(_ result: Result<PostgresConnection, PostgresError>) {
        connector = nil
        switch result {
        case .failure(let error):
            failures += 1
            onFailure?(error)
            scheduleStart()
        case .success(let connection):
            failures = 0
            self.connection = connection
            connection.onProgress = { [weak self] in self?.onProgress?() }
            connection.onLost = { [weak self] error, unsent in self?.lost(error, unsent) }
            onReady?()
        }
    }

    private func lost(_ error: PostgresError, _ unsent: [PipelineOperation]) {
        connection = nil
        onLost?(error, unsent)
        // With back-off: connections that a server closed together must not all reconnect in the same instant.
        scheduleStart()
    }

    private func scheduleStart() {
        guard !isClosed else { return }
        let pause = configuration.pause(after: failures)
        retry = loop.post(after: pause) { [weak self] in
            self?.retry = nil
            self?.start()
        }
    }
}

/// What is needed to open a connection of a pool.
struct ConnectionFactory: Sendable {
    let target: Result<ConnectionTarget, PostgresError>
    let configuration: PostgresConfiguration
    let metrics: PostgresMetrics?

    /// Starts an attempt. Loop thread only.
    ///
    /// - Parameter lockTimeout: of the session's statements; nil for exclusive connections, whose user
    ///   sets it.
    /// - Returns: the attempt, to be kept until the completion is called; nil when it failed at once, which is reported
    ///   through the completion too.
    func start(
        on loop: EventLoop, lockTimeout: Duration? = nil,
        completion: @escaping (Result<PostgresConnection, PostgresError>) -> Void
    ) -> PostgresConnector? {
        switch target {
        case .failure(let error):
            completion(.failure(error))
            return nil
        case .success(let target):
            let connector = PostgresConnector(
                loop: loop, target: target, timeout: configuration.connectTimeout, lockTimeout: lockTimeout
            ) { result in
                completion(
                    result.map {
                        PostgresConnection(
                            loop: loop, handle: $0, cancelGrace: configuration.cancelGrace, metrics: metrics)
                    })
            }
            connector.start()
            return connector
        }
    }
}
