import UVLoop

/// What connections must have in common to be exchangeable.
struct PoolKey: Hashable {
    let host: String
    let port: UInt16
    let policyClass: Int
}

/// Does what a host's pool decides: opens and closes connections, gives them calls, fails those that waited too long.
///
/// Opening ends in a later round of the loop at the earliest, and so does a call that cannot be sent: thousands that
/// fail at once never start each other on the stack.
///
/// Loop thread only.
final class HostConnections {
    typealias Pool = HostPool<HTTPCall, ClientConnection>

    let key: PoolKey
    /// Keeps this object in return, until the last connection is closed.
    let shard: LoopClient
    private var pool: Pool
    private var timer: LoopTimer?
    private var armedFor: UInt64 = .max

    init(key: PoolKey, shard: LoopClient) {
        self.key = key
        self.shard = shard
        let configuration = shard.configuration
        pool = Pool(
            limits: .init(connections: configuration.maxConnectionsPerHost, waiting: configuration.maxWaitingPerHost))
    }

    private var now: UInt64 { shard.loop.nowMilliseconds }

    // MARK: - Calls

    func start(_ call: HTTPCall) {
        let deadline = min(call.connectDeadline, call.clock.total)
        switch pool.admit(call, deadline: deadline) {
        case .carry(let connection):
            shard.idleConnections -= 1
            connection.carry(call)
        case .open: open(for: call)
        case .wait(let ticket):
            call.waiting = (self, ticket)
            arm(for: deadline)
        case .refuse: call.fail(.overloaded, "too many calls wait for \(key.host)")
        }
    }

    /// A call that waits is over.
    func leave(_ ticket: WaitingList<Pool.Waiting>.Ticket) {
        pool.leave(ticket)
    }

    /// Sends a call on a fresh connection in the place of one that turned out to be closed.
    func retry(_ call: HTTPCall, insteadOf connection: ClientConnection) {
        call.wasRetried = true
        pool.openReplacement()
        open(for: call)
        connection.close()
    }

    // MARK: - Connections

    private func open(for call: HTTPCall) {
        call.waiting = nil
        Connector(call: call) { [self] result in
            switch result {
            case .success(let stream):
                let connection = ClientConnection(stream: stream, host: self)
                if call.isFinished { release(connection) } else { connection.carry(call) }
            case .failure(let failure):
                call.fail(failure.kind, failure.detail)
                perform(pool.connectFailed())
            }
        }.start()
    }

    /// A connection is free.
    func release(_ connection: ClientConnection) {
        guard !connection.isClosed else { return }
        let isReusable = !shard.nonReusable.contains(key, now: now)
        switch pool.release(connection, isReusable: isReusable, keepUntil: idleDeadline(of: connection)) {
        case .carry(let call):
            call.waiting = nil
            connection.carry(call)
        case .keep(let deadline):
            shard.idleConnections += 1
            connection.rest(until: deadline)
        case .close: connection.close()
        }
    }

    private func idleDeadline(of connection: ClientConnection) -> UInt64? {
        let milliseconds = min(shard.ttlMilliseconds, connection.announcedTTL ?? .max)
        let hasRoom = shard.idleConnections < shard.configuration.maxIdleConnections
        return milliseconds > 0 && !shard.isClosed && hasRoom ? now + milliseconds : nil
    }

    func closed(_ connection: ClientConnection) {
        let idle = pool.idle.count
        let vacancy = pool.closed(connection)
        shard.idleConnections -= idle - pool.idle.count
        perform(vacancy)
    }

    private func perform(_ vacancy: Pool.Vacancy) {
        switch vacancy {
        case .open(let call): open(for: call)
        case .empty:
            timer?.close()
            timer = nil
            armedFor = .max
            shard.remove(self)
        case .nothing: break
        }
    }

    /// The host sent unsolicited bytes: none of its connections is used for a second call.
    func disableReuse() {
        shard.nonReusable.add(key, now: now)
        for connection in pool.idle { connection.close() }
    }

    /// Closes what carries no call and fails what waits.
    func closeIdle() {
        for call in pool.removeWaiting() { call.fail(.cancelled, "the client was closed") }
        for connection in pool.idle { connection.close() }
    }

    // MARK: - The waiting calls' deadlines

    private func arm(for due: UInt64) {
        guard due < armedFor else { return }
        armedFor = due
        if timer == nil { timer = shard.loop.makeTimer { [weak self] in self?.timerFired() } }
        timer?.start(after: .milliseconds(due > now ? due - now : 1))
    }

    private func timerFired() {
        armedFor = .max
        let (expired, next) = pool.expire(now: now)
        for call in expired { call.failUnconnected(isWaiting: true) }
        if let next { arm(for: next) }
    }
}
