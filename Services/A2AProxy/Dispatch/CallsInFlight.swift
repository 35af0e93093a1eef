import Foundation
import Observability
import Synchronization

/// What this process has under way: calls to agents, direct ones and those of queue items, and the bytes of their
/// messages. A call counts from before it is made until its outcome is dealt with, or its stream has ended, whether or
/// not its caller still listens.
package final class CallsInFlight: Sendable {
    private let callLimit: Int
    private let byteLimit: Int
    private let calls = Atomic(0)
    private let bytes = Atomic(0)
    private let gauge: Gauge
    /// How many calls that somebody waits for each has under way.
    private let parties = Mutex<[Touch: Int]>([:])

    /// - Parameters:
    ///   - byteLimit: of messages, of all calls together; one call alone may go beyond.
    ///   - gauge: shows the number of calls.
    package init(callLimit: Int, byteLimit: Int, gauge: Gauge) {
        self.callLimit = callLimit
        self.byteLimit = byteLimit
        self.gauge = gauge
    }

    /// What may be begun; nothing, or less, when there is too much already.
    package var room: (calls: Int, bytes: Int) {
        (callLimit - calls.load(ordering: .relaxed), byteLimit - bytes.load(ordering: .relaxed))
    }

    /// Begins a call that somebody waits for.
    ///
    /// - Parameters:
    ///   - count: bytes of its message.
    ///   - between: the workspaces that take part in it.
    /// - Returns: `nil` when there is no room for it.
    package func begin(_ count: Int, between: [Touch] = []) -> CallInFlight? {
        let (now, size) = add(count)
        guard now <= callLimit, size <= byteLimit || now == 1 else {
            end(count)
            return nil
        }
        join(between)
        return CallInFlight(self, count, between)
    }

    /// Who sends or receives something right now, but for the targets of queue items, of which the database knows.
    package var underWay: [Touch] { parties.withLock { Array($0.keys) } }

    /// Begins a call of a queue item, for which there was room when it was claimed.
    package func beginClaimed(_ count: Int) -> CallInFlight {
        _ = add(count)
        return CallInFlight(self, count, [])
    }

    private func add(_ count: Int) -> (calls: Int, bytes: Int) {
        gauge.increment()
        return (
            calls.add(1, ordering: .relaxed).newValue, bytes.add(count, ordering: .relaxed).newValue
        )
    }

    fileprivate func join(_ between: [Touch]) {
        parties.withLock { parties in
            for party in between { parties[party, default: 0] += 1 }
        }
    }

    fileprivate func end(_ count: Int, between: [Touch] = []) {
        parties.withLock { parties in
            for party in between {
                if let calls = parties[party], calls > 1 { parties[party] = calls - 1 } else { parties[party] = nil }
            }
        }
        gauge.decrement()
        calls.subtract(1, ordering: .relaxed)
        bytes.subtract(count, ordering: .relaxed)
    }
}

/// One call that counts until it is ended, and for as long as this is held at most.
package final class CallInFlight: Sendable {
    private let calls: CallsInFlight
    private let bytes: Int
    /// Nil once it is over.
    private let between: Mutex<[Touch]?>

    fileprivate init(_ calls: CallsInFlight, _ bytes: Int, _ between: [Touch]) {
        self.calls = calls
        self.bytes = bytes
        self.between = Mutex(between)
    }

    deinit {
        end()
    }

    /// From now on, too, a workspace takes part in it.
    package func join(_ party: Touch) {
        between.withLock { between in
            guard between?.contains(party) == false else { return }
            between?.append(party)
            calls.join([party])
        }
    }

    /// There is room for another call from now on.
    package func end() {
        let parties = between.withLock { between in
            defer { between = nil }
            return between
        }
        if let parties { calls.end(bytes, between: parties) }
    }
}
