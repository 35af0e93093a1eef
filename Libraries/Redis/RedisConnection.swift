import CHiredis
import Concurrency
import Observability
import Synchronization
import UVLoop

/// Whether a connection takes commands: said by it, read on any thread.
final class RedisReadiness: Sendable {
    private let ready = Atomic<Bool>(false)

    var isReady: Bool { ready.load(ordering: .relaxed) }

    /// - Returns: what was said before.
    @discardableResult
    func change(to isReady: Bool) -> Bool { ready.exchange(isReady, ordering: .relaxed) }
}

/// One connection to Redis, of one loop: reconnects by itself, pipelines commands, enforces their deadlines.
///
/// Loop thread only.
final class RedisConnection {
    let loop: EventLoop
    private let address: RedisAddress
    private let configuration: RedisClient.Configuration
    private let logger: Logger
    private let metrics: RedisMetrics

    private let readiness: RedisReadiness
    /// Owned and freed by hiredis; `nil` as soon as hiredis reports that the connection ended.
    private var context: UnsafeMutablePointer<redisAsyncContext>?
    private var isRunning = false
    private var failures = 0
    /// Awaiting replies, in order; commands past their deadline stay in it until their replies come.
    private var pending = FIFO<PendingCommand>()
    private var lastReply: UInt64 = 0
    private var timer: LoopTimer?
    private var reconnect: ScheduledCall?

    init(
        loop: EventLoop, address: RedisAddress, configuration: RedisClient.Configuration, logger: Logger,
        metrics: RedisMetrics, readiness: RedisReadiness
    ) {
        self.loop = loop
        self.readiness = readiness
        self.address = address
        self.configuration = configuration
        self.logger = logger
        self.metrics = metrics
    }

    private var isReady: Bool { readiness.isReady }

    // MARK: - Lifecycle

    func start() {
        guard !isRunning else { return }
        isRunning = true
        timer = loop.makeTimer { [weak self] in self?.checkDeadlines() }
        connect()
    }

    /// Ends the connection; pending commands fail.
    func stop() {
        isRunning = false
        reconnect?.cancel()
        reconnect = nil
        timer?.close()
        timer = nil
        readiness.change(to: false)
        guard let context else { return }
        self.context = nil
        redisAsyncFree(context)
    }

    private func connect() {
        guard isRunning else { return }
        if let numeric = SocketAddress(ip: address.host, port: address.port) { return open(numeric) }
        // hiredis would resolve the name itself, and block the loop.
        let connection = LoopBound(self, on: loop)
        loop.spawn { [loop, address] in
            do throws(ResolveError) {
                let found = try await loop.resolve(host: address.host, port: address.port)
                connection.value.open(oneOf: found)
            } catch {
                connection.value.failed(error.description)
            }
        }
    }

    /// Another one after each failure.
    private func open(oneOf addresses: [SocketAddress]) {
        open(addresses[failures % addresses.count])
    }

    private func open(_ target: SocketAddress) {
        guard isRunning, context == nil else { return }
        guard let context = redisAsyncConnect(target.ip, Int32(target.port)) else { return failed("out of memory") }
        guard context.pointee.err == 0 else {
            let reason = context.pointee.errstr.map { String(cString: $0) } ?? ""
            redisAsyncFree(context)
            return failed(reason)
        }
        self.context = context
        // Unretained: `RedisClient.run` alone starts connections, and it stops them, which frees the context, before it
        // releases them.
        context.pointee.data = Unmanaged.passUnretained(self).toOpaque()
        HiredisAdapter.attach(context, to: loop)
        redisAsyncSetConnectCallback(context) { context, status in
            guard let connection = RedisConnection.of(context) else { return }
            if status == REDIS_OK { connection.sendHandshake() } else { connection.ended(context) }
        }
        redisAsyncSetDisconnectCallback(context) { context, _ in RedisConnection.of(context)?.ended(context) }
        lastReply = loop.nowMilliseconds
        timer?.start(after: Self.tick, repeating: Self.tick)
    }

    private static func of(_ context: UnsafePointer<redisAsyncContext>?) -> RedisConnection? {
        context?.pointee.data.map { Unmanaged<RedisConnection>.fromOpaque($0).takeUnretainedValue() }
    }

    private func sendHandshake() {
        let handshakeCommands = address.handshakeCommands
        for (index, command) in handshakeCommands.enumerated() {
            transmit(RedisProtocol.encode(command), deadline: configuration.connectTimeout) { [self] result in
                switch result {
                case .success(.error(let text)): refuse(text)
                case .success where index == handshakeCommands.count - 1: becomeReady()
                case .success, .failure: break  // a failure has ended the connection, or will
                }
            }
        }
    }

    /// Redis responds, but refuses the log-in.
    private func refuse(_ reason: String) {
        guard let context else { return }
        self.context = nil
        redisAsyncFree(context)
        failed(reason)
    }

    private func becomeReady() {
        guard isRunning, context != nil, !isReady else { return }
        failures = 0
        readiness.change(to: true)
        metrics.connects.increment()
        logger.debug("connected to Redis", [.host: .string(address.host), .port: .int(Int(address.port))])
    }

    private func ended(_ context: UnsafePointer<redisAsyncContext>?) {
        guard let context, self.context == UnsafeMutablePointer(mutating: context) else { return }
        let reason = context.pointee.errstr.map { String(cString: $0) } ?? ""
        self.context = nil
        failed(reason.isEmpty ? "closed" : reason)
    }

    private func failed(_ reason: String) {
        let wasReady = readiness.change(to: false)
        guard isRunning else { return }
        timer?.stop()
        failures += 1
        // The 1st, 2nd, 4th, 8th, ... failure in a row.
        if wasReady || failures & (failures - 1) == 0 {
            logger.warning(
                "no connection to Redis",
                [.host: .string(address.host), .port: .int(Int(address.port)), .error: .string(reason)])
        }
        let backoff = Backoff(initial: configuration.firstRetry, maximum: configuration.maxRetry, jitter: 0.5)
        let delay = backoff.delay(attempt: failures - 1, unit: .random(in: 0...1))
        reconnect = loop.post(after: delay) { [weak self] in self?.connect() }
    }

    // MARK: - Commands

    /// Sends a command, unless there is no connection or too many commands are pending.
    func submit(_ command: [UInt8], deadline: Duration, _ completion: @escaping PendingCommand.Completion) {
        guard isReady else { return completion(.failure(RedisError(.unavailable, "no connection"))) }
        guard pending.count < configuration.maxPending else {
            return completion(.failure(RedisError(.overloaded, "too many commands await replies")))
        }
        transmit(command, deadline: deadline, completion)
    }

    private func transmit(_ bytes: [UInt8], deadline: Duration, _ completion: @escaping PendingCommand.Completion) {
        guard let context else { return completion(.failure(RedisError(.unavailable, "no connection"))) }
        let now = loop.nowMilliseconds
        if pending.isEmpty { lastReply = now }
        let command = PendingCommand(
            deadline: now + UInt64(max(0, deadline / .milliseconds(1))), connection: self, completion: completion)
        let retained = Unmanaged.passRetained(command)
        let status = bytes.withUnsafeBytes { raw in
            // hiredis copies it into its output buffer and writes when the socket is ready: one write for all
            // commands of this loop iteration.
            redisAsyncFormattedCommand(
                context, PendingCommand.callback, retained.toOpaque(),
                raw.baseAddress?.assumingMemoryBound(to: CChar.self), raw.count)
        }
        guard status == REDIS_OK else {
            retained.release()
            return command.finish(.failure(RedisError(.unavailable, "the connection is closing")))
        }
        pending.append(command)
        metrics.commands.increment()
        metrics.pending.increment()
    }

    /// hiredis calls back in order: this is the first pending command.
    func didReceiveReply(_ command: PendingCommand) {
        lastReply = loop.nowMilliseconds
        metrics.pending.decrement()
        pending.popFirst()
    }

    /// hiredis 0.14 has no deadlines. One timer per connection checks all commands, so a deadline is late by up to
    /// this.
    private static let tick: Duration = .milliseconds(20)

    private func checkDeadlines() {
        let now = loop.nowMilliseconds
        // A copy: the callers of what has failed may send more.
        let waiting = pending
        waiting.forEach { command in
            guard command.deadline <= now, !command.isFinished else { return }
            metrics.deadlines.increment()
            command.finish(.failure(RedisError(.deadline, "no reply in time")))
        }
        // Replies come in order: when the first does not come, none will. Connecting counts as waiting.
        let isWaiting = !isReady || !pending.isEmpty
        let timeout = isReady ? configuration.hangTimeout : configuration.connectTimeout
        guard isWaiting, now > lastReply + UInt64(max(0, timeout / .milliseconds(1))), let context else { return }
        self.context = nil
        redisAsyncFree(context)
        failed("Redis does not respond")
    }
}
