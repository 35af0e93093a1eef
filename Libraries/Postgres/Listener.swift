import Observability
import UVLoop

/// Listens to notifications on a connection of its own, and resubscribes after it was lost. Loop thread only.
final class Listener {
    /// How often the connection's liveness is checked: nothing else would detect that it is dead.
    private static let livenessInterval: Duration = .seconds(5)

    let loop: EventLoop
    private let slot: PooledConnection
    private var channels: [String: [Int: AsyncStream<String>.Continuation]] = [:]
    private var nextID = 0
    private var timer: LoopTimer?
    private var isClosed = false

    init(loop: EventLoop, open: ConnectionFactory, configuration: PostgresConfiguration) {
        self.loop = loop
        slot = PooledConnection(loop: loop, open: open, configuration: configuration)
    }

    func add(_ channel: String, _ continuation: AsyncStream<String>.Continuation) {
        guard !isClosed else { return continuation.finish() }
        nextID += 1
        let id = nextID
        let isNew = channels[channel] == nil
        channels[channel, default: [:]][id] = continuation
        // `close` ends every continuation, and with it this reference.
        let listener = LoopBound(self, on: loop)
        continuation.onTermination = { _ in listener.loop.execute { listener.value.remove(channel, id) } }
        if timer == nil { start() }
        if isNew, let connection = slot.connection {
            listen(channel, on: connection)
        } else if slot.connection != nil {
            continuation.yield("")
        }
    }

    func close() {
        isClosed = true
        timer?.close()
        timer = nil
        slot.close(PostgresError(.closed, "the pool is closed"))
        for continuation in channels.values.flatMap(\.values) { continuation.finish() }
        channels = [:]
    }

    private func start() {
        slot.onReady = { [weak self] in self?.ready() }
        slot.start()
        timer = loop.makeTimer { [weak self] in self?.checkLiveness() }
        timer?.start(after: Self.livenessInterval, repeating: Self.livenessInterval)
    }

    private func ready() {
        guard let connection = slot.connection else { return }
        connection.onNotification = { [weak self] in self?.deliver($0, $1) }
        for channel in channels.keys { listen(channel, on: connection) }
    }

    private func listen(_ channel: String, on connection: PostgresConnection) {
        let name = channel.replacing("\"", with: "\"\"")
        send("LISTEN \"\(name)\"", on: connection, confirming: channel)
    }

    private func remove(_ channel: String, _ id: Int) {
        channels[channel]?[id] = nil
        guard channels[channel]?.isEmpty == true else { return }
        channels[channel] = nil
        let name = channel.replacing("\"", with: "\"\"")
        if let connection = slot.connection { send("UNLISTEN \"\(name)\"", on: connection) }
    }

    private func deliver(_ channel: String, _ payload: String) {
        channels[channel]?.values.forEach { $0.yield(payload) }
    }

    private func checkLiveness() {
        guard let connection = slot.connection else { return }
        connection.expire(now: loop.nowMilliseconds)
        if connection.isOpen, connection.load == 0 { send("SELECT 1", on: connection) }
    }

    /// - Parameter channel: whose listeners are told that listening has begun, once the statement has run.
    private func send(_ sql: String, on connection: PostgresConnection, confirming channel: String? = nil) {
        let (listener, connection) = (LoopBound(self, on: loop), LoopBound(connection, on: loop))
        loop.spawn { [loop] in
            let result = await withUnsafeContinuation { continuation in
                loop.execute { connection.value.run(sql, timeout: Self.livenessInterval, continuation) }
            }
            guard case .success = result, let channel else { return }
            loop.execute { listener.value.deliver(channel, "") }
        }
    }
}

extension PostgresPool {
    /// The payloads of notifications on a channel.
    ///
    /// Each time listening begins, the first time and after a lost connection, an empty payload comes first:
    /// notifications sent meanwhile are lost, so the listener must query the tables then. A listener that is 1024
    /// payloads behind loses the oldest.
    package func listen(_ channel: String) -> AsyncStream<String> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: String.self, bufferingPolicy: .bufferingNewest(1024))
        listener.loop.execute { [listener] in listener.value.add(channel, continuation) }
        return stream
    }
}
