/// The connections of one loop to one host, and the calls that wait for one: the rule, without any I/O. Every event
/// returns what is to be done about it; the shell is ``HostConnections``.
///
/// Times are milliseconds of any one clock.
struct HostPool<HTTPCall, Connection: AnyObject> {
    /// What limits the pool.
    struct Limits {
        /// Connections, those being opened included.
        var connections: Int
        /// Calls that may wait.
        var waiting: Int
    }

    /// What is to be done about a new call.
    enum Admission {
        /// Send it on this connection, which was idle.
        case carry(Connection)
        /// Open a connection for it.
        case open
        /// It waits until its deadline; the ticket is what it leaves with.
        case wait(WaitingList<Waiting>.Ticket)
        /// Too many wait already.
        case refuse
    }

    /// What is to be done about a connection that is free.
    enum Release {
        /// Send this call, which has waited, on it.
        case carry(HTTPCall)
        /// Nothing but to close it at that time: it is idle.
        case keep(until: UInt64)
        case close
    }

    /// What is to be done now that there is one connection less.
    enum Vacancy {
        /// Open a connection for this call, which has waited.
        case open(HTTPCall)
        /// Nothing is left: the pool can go.
        case empty
        case nothing
    }

    /// A call that waits, until its deadline.
    struct Waiting {
        let call: HTTPCall
        let deadline: UInt64
    }

    private let limits: Limits
    /// Connections there are, those being opened included.
    private(set) var connectionCount = 0
    /// The one used last is used first: the others may grow old and close.
    private(set) var idle: [Connection] = []
    /// Calls that wait.
    private(set) var waiting = WaitingList<Waiting>()

    init(limits: Limits) {
        self.limits = limits
    }

    // MARK: - Calls

    mutating func admit(_ call: HTTPCall, deadline: UInt64) -> Admission {
        if let connection = idle.popLast() { return .carry(connection) }
        if connectionCount < limits.connections {
            connectionCount += 1
            return .open
        }
        guard waiting.count < limits.waiting else { return .refuse }
        return .wait(waiting.append(Waiting(call: call, deadline: deadline)))
    }

    /// A call that waited is over.
    mutating func leave(_ ticket: WaitingList<Waiting>.Ticket) {
        waiting.remove(ticket)
    }

    /// A connection is opened in the place of one that turned out to be closed, before that one's end is noted: calls
    /// that wait do not come between.
    mutating func openReplacement() {
        connectionCount += 1
    }

    /// - Returns: calls whose deadline has passed, which wait no longer, and the next deadline.
    mutating func expire(now: UInt64) -> (expired: [HTTPCall], next: UInt64?) {
        let expired = waiting.removeAll { $0.deadline <= now }.map(\.call)
        var next: UInt64?
        waiting.forEach { next = min(next ?? .max, $0.deadline) }
        return (expired, next)
    }

    // MARK: - Connections

    /// - Parameters:
    ///   - isReusable: it may carry another call.
    ///   - deadline: until when it may be kept without one; nil to close it.
    mutating func release(_ connection: Connection, isReusable: Bool, keepUntil deadline: UInt64?) -> Release {
        guard isReusable else { return .close }
        if let next = waiting.popFirst() { return .carry(next.call) }
        guard let deadline else { return .close }
        idle.append(connection)
        return .keep(until: deadline)
    }

    /// A connection has closed.
    mutating func closed(_ connection: Connection) -> Vacancy {
        if let index = idle.lastIndex(where: { $0 === connection }) { idle.remove(at: index) }
        return releaseConnectionSlot()
    }

    /// A connection could not be opened.
    mutating func connectFailed() -> Vacancy {
        releaseConnectionSlot()
    }

    private mutating func releaseConnectionSlot() -> Vacancy {
        connectionCount -= 1
        // A replacement is counted before the end of what it replaces, so there may still be as many as allowed.
        if connectionCount < limits.connections, let next = waiting.popFirst() {
            connectionCount += 1
            return .open(next.call)
        }
        return connectionCount == 0 ? .empty : .nothing
    }

    /// No call is to wait any longer.
    /// - Returns: those that did.
    mutating func removeWaiting() -> [HTTPCall] {
        waiting.removeAll { _ in true }.map(\.call)
    }
}
