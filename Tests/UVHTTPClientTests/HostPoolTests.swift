import Testing

@testable import UVHTTPClient

/// A host's pool as a value: no sockets, no loop, no time but the test's.
@Suite("The pool of a host")
struct HostPoolTests {
    private final class Connection {}
    private final class HTTPCall {
        let name: Int
        init(_ name: Int) { self.name = name }
    }
    private typealias Pool = HostPool<HTTPCall, Connection>

    private static func pool(connections: Int, waiting: Int) -> Pool {
        Pool(limits: .init(connections: connections, waiting: waiting))
    }

    /// An event's outcome in a word.
    private func word(_ admission: Pool.Admission) -> String {
        switch admission {
        case .carry: "carry"
        case .open: "open"
        case .wait: "wait"
        case .refuse: "refuse"
        }
    }

    private func word(_ release: Pool.Release) -> String {
        switch release {
        case .carry(let call): "carry \(call.name)"
        case .keep(let deadline): "keep \(deadline)"
        case .close: "close"
        }
    }

    private func word(_ vacancy: Pool.Vacancy) -> String {
        switch vacancy {
        case .open(let call): "open \(call.name)"
        case .empty: "empty"
        case .nothing: "nothing"
        }
    }

    @Test("opens as many connections as allowed, lets as many calls wait, and refuses the rest")
    func limits() {
        var pool = Self.pool(connections: 2, waiting: 3)
        let words = (0..<7).map { word(pool.admit(HTTPCall($0), deadline: 100)) }
        #expect(words == ["open", "open", "wait", "wait", "wait", "refuse", "refuse"])
        #expect(pool.connectionCount == 2)
        #expect(pool.waiting.count == 3)
    }

    @Test("gives a free connection to the call that waits longest, and keeps it when none does")
    func order() {
        var pool = Self.pool(connections: 1, waiting: 10)
        for name in 0..<3 { _ = pool.admit(HTTPCall(name), deadline: 100) }
        let connection = Connection()
        let words = (0..<3).map { _ in word(pool.release(connection, isReusable: true, keepUntil: 500)) }
        #expect(words == ["carry 1", "carry 2", "keep 500"])
        guard case .carry(let used) = pool.admit(HTTPCall(3), deadline: 100) else { return #expect(Bool(false)) }
        #expect(used === connection)
        #expect(pool.idle.isEmpty)
    }

    @Test("uses the connection first that was used last")
    func lastFirst() {
        var pool = Self.pool(connections: 2, waiting: 0)
        let (first, second) = (Connection(), Connection())
        for connection in [first, second] {
            _ = pool.admit(HTTPCall(0), deadline: 1)
            _ = connection
        }
        for connection in [first, second] { _ = pool.release(connection, isReusable: true, keepUntil: 500) }
        guard case .carry(let used) = pool.admit(HTTPCall(1), deadline: 1) else { return #expect(Bool(false)) }
        #expect(used === second)
    }

    @Test("closes what must not be kept, and with it makes room for a call that waits")
    func reuseIsOff() {
        var pool = Self.pool(connections: 1, waiting: 10)
        for name in 0..<3 { _ = pool.admit(HTTPCall(name), deadline: 100) }
        let connection = Connection()
        #expect(word(pool.release(connection, isReusable: false, keepUntil: 500)) == "close")
        #expect(word(pool.closed(connection)) == "open 1")
        #expect(word(pool.release(connection, isReusable: true, keepUntil: nil)) == "carry 2")
        #expect(word(pool.release(connection, isReusable: true, keepUntil: nil)) == "close")
        #expect(word(pool.closed(connection)) == "empty")
        #expect(pool.connectionCount == 0)
    }

    @Test("forgets an idle connection that closes")
    func idleCloses() {
        var pool = Self.pool(connections: 2, waiting: 0)
        let (first, second) = (Connection(), Connection())
        for _ in 0..<2 { _ = pool.admit(HTTPCall(0), deadline: 1) }
        for connection in [first, second] { _ = pool.release(connection, isReusable: true, keepUntil: 500) }
        #expect(word(pool.closed(first)) == "nothing")
        #expect(pool.idle.map { $0 === second } == [true])
        #expect(word(pool.closed(second)) == "empty")
    }

    @Test("takes a replacement in before the connection that it replaces ends")
    func replacement() {
        var pool = Self.pool(connections: 1, waiting: 10)
        for name in 0..<2 { _ = pool.admit(HTTPCall(name), deadline: 100) }
        pool.openReplacement()
        #expect(pool.connectionCount == 2)
        #expect(word(pool.closed(Connection())) == "nothing")
        #expect(pool.connectionCount == 1 && pool.waiting.count == 1)
        #expect(word(pool.connectFailed()) == "open 1")
        #expect(pool.connectionCount == 1)
    }

    @Test("expires calls at their deadlines, in order, and names the next one")
    func expiry() {
        var pool = Self.pool(connections: 1, waiting: 10)
        for (name, deadline) in [0, 300, 100, 200, 100].enumerated() {
            _ = pool.admit(HTTPCall(name), deadline: UInt64(deadline))
        }
        var (expired, next) = pool.expire(now: 99)
        #expect(expired.isEmpty && next == 100)
        (expired, next) = pool.expire(now: 100)
        #expect(expired.map(\.name) == [2, 4])
        #expect(next == 200)
        (expired, next) = pool.expire(now: 1000)
        #expect(expired.map(\.name) == [1, 3])
        #expect(next == nil)
        #expect(word(pool.connectFailed()) == "empty")
    }

    @Test("a failed connect starts one for the next call, one at a time, however many wait")
    func thousandsFail() {
        let count = 100_000
        var pool = Self.pool(connections: 1, waiting: count)
        for name in 0...count { _ = pool.admit(HTTPCall(name), deadline: 100) }
        for name in 1...count {
            guard case .open(let call) = pool.connectFailed(), call.name == name else { return #expect(Bool(false)) }
            guard pool.connectionCount == 1 else { return #expect(Bool(false)) }
        }
        #expect(word(pool.connectFailed()) == "empty")
    }

    @Test("lets go of a call that leaves, from wherever it stands")
    func leaving() {
        var pool = Self.pool(connections: 1, waiting: 1000)
        _ = pool.admit(HTTPCall(-1), deadline: 1)
        final class Weak { weak var call: HTTPCall? }
        var waiting: [(Weak, WaitingList<Pool.Waiting>.Ticket)] = []
        for name in 0..<1000 {
            let call = HTTPCall(name)
            let weak = Weak()
            weak.call = call
            guard case .wait(let ticket) = pool.admit(call, deadline: 1) else { return #expect(Bool(false)) }
            waiting.append((weak, ticket))
        }
        let leaving = (0..<1000).filter { $0 % 7 != 3 }
        for name in leaving { pool.leave(waiting[name].1) }
        #expect(leaving.allSatisfy { waiting[$0].0.call == nil })
        #expect(pool.waiting.count == 1000 - leaving.count)
        // A second time does nothing.
        pool.leave(waiting[0].1)
        let staying = (0..<1000).filter { $0 % 7 == 3 }
        let connection = Connection()
        let carried = staying.map { _ in word(pool.release(connection, isReusable: true, keepUntil: nil)) }
        #expect(carried == staying.map { "carry \($0)" })
        #expect(waiting.allSatisfy { $0.0.call == nil })
    }

    @Test("gives up all that wait when the client is closed")
    func closing() {
        var pool = Self.pool(connections: 1, waiting: 10)
        for name in 0..<4 { _ = pool.admit(HTTPCall(name), deadline: 100) }
        #expect(pool.removeWaiting().map(\.name) == [1, 2, 3])
        #expect(pool.waiting.count == 0)
    }
}
