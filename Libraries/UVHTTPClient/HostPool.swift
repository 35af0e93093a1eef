import UVLoop

/// What connections must have in common to be exchangeable.
struct PoolKey: Hashable {
    let host: String
    let port: UInt16
    let policyClass: Int
}

/// The connections of one loop to one host, and the calls that wait for one.
///
/// `@unchecked Sendable`: confined to the loop's thread.
final class HostPool: @unchecked Sendable {
    let key: PoolKey
    /// Keeps the pool in return, until the pool's last connection is closed.
    let shard: LoopClient
    /// The one used last is used first: the others may grow old and close.
    private var idle: [ClientConnection] = []
    /// Connections there are, those being opened included.
    private var open = 0
    private var waiting = WaitingCalls()
    private var timer: LoopTimer?
    private var armedFor: UInt64 = .max

    init(key: PoolKey, shard: LoopClient) {
        self.key = key
        self.shard = shard
    }

    // MARK: - Calls

    func carry(_ call: HTTPCall) {
        if let connection = takeIdle() { return connection.carry(call) }
        if open < shard.configuration.maxConnectionsPerHost { return openConnection(for: call) }
        guard waiting.count < shard.configuration.maxWaitingPerHost else {
            call.fail(.overloaded, "too many calls wait for \(key.host)")
            return
        }
        call.queue = self
        waiting.append(call)
        arm(for: min(call.connectDeadline, call.clock.total))
    }

    /// A call in the queue is over.
    func leave(_ call: HTTPCall) {
        call.queue = nil
        waiting.remove(call)
    }

    /// Sends a call on a fresh connection in the place of one that turned out to be closed.
    func retry(_ call: HTTPCall, insteadOf connection: ClientConnection) {
        call.wasRetried = true
        // Taken before the old connection gives its place to the next waiting call.
        openConnection(for: call)
        connection.close()
    }

    private func takeIdle() -> ClientConnection? {
        guard let connection = idle.popLast() else { return nil }
        shard.idleConnections -= 1
        return connection
    }

    private func nextWaiting() -> HTTPCall? {
        guard let call = waiting.first else { return nil }
        leave(call)
        return call
    }

    // MARK: - Connections

    private func openConnection(for call: HTTPCall) {
        open += 1
        Connector(call: call) { [self] result in
            switch result {
            case .success(let stream):
                let connection = ClientConnection(stream: stream, pool: self)
                if call.isOver { release(connection) } else { connection.carry(call) }
            case .failure(let failure):
                call.fail(failure.kind, failure.detail)
                // In a later round: attempts that fail at once must not start each other, thousands deep on the stack.
                shard.loop.post { self.freePlace() }
            }
        }.start()
    }

    /// A connection is free: the next waiting call has it, or the stack.
    func release(_ connection: ClientConnection) {
        guard !connection.isClosed else { return }
        if shard.distrusted.contains(key, now: shard.loop.nowMilliseconds) { return connection.close() }
        if let call = nextWaiting() { return connection.carry(call) }
        let ttl = min(shard.ttlMilliseconds, connection.announcedTTL ?? .max)
        guard ttl > 0, !shard.isClosed, shard.idleConnections < shard.configuration.maxIdleConnections else {
            return connection.close()
        }
        shard.idleConnections += 1
        idle.append(connection)
        connection.rest(until: shard.loop.nowMilliseconds + ttl)
    }

    /// The peer sends what nobody asked for: none of its connections is used for a second call.
    func distrust() {
        shard.distrusted.add(key, now: shard.loop.nowMilliseconds)
        for connection in idle { connection.close() }
    }

    func closed(_ connection: ClientConnection) {
        if let index = idle.lastIndex(where: { $0 === connection }) {
            idle.remove(at: index)
            shard.idleConnections -= 1
        }
        freePlace()
    }

    private func freePlace() {
        open -= 1
        if let call = nextWaiting() { return openConnection(for: call) }
        if open == 0 {
            timer?.close()
            timer = nil
            armedFor = .max
            shard.remove(self)
        }
    }

    /// Closes what carries no call and fails what waits.
    func closeIdle() {
        while let call = nextWaiting() { call.fail(.cancelled, "the client was closed") }
        for connection in idle { connection.close() }
    }

    // MARK: - The waiting calls' deadlines

    private func arm(for due: UInt64) {
        guard due < armedFor else { return }
        armedFor = due
        let now = shard.loop.nowMilliseconds
        if timer == nil { timer = shard.loop.makeTimer { [weak self] in self?.timerFired() } }
        timer?.start(after: .milliseconds(due > now ? due - now : 1))
    }

    private func timerFired() {
        armedFor = .max
        let now = shard.loop.nowMilliseconds
        var next = UInt64.max
        var following = waiting.first
        while let call = following {
            // Before the call leaves its place.
            following = call.place.next
            let due = min(call.connectDeadline, call.clock.total)
            if due <= now { call.failUnconnected(isWaiting: true) } else { next = min(next, due) }
        }
        if next != .max { arm(for: next) }
    }
}
