import Foundation
import Observability
import Synchronization

/// Admission control: the calls to agents that this process has in flight, direct ones and those of queue items, and
/// the bytes of their messages. A call counts from before it is made until its outcome is handled, or its stream has
/// ended, whether or not its caller is still connected.
package final class CallsInFlight: Sendable {
    private let callLimit: Int
    private let byteLimit: Int
    private let calls = Atomic(0)
    private let bytes = Atomic(0)
    private let gauge: Gauge
    /// The number of direct calls in flight of each party.
    private let parties = Mutex<[CallParty: Int]>([:])

    /// - Parameters:
    ///   - byteLimit: bytes of the messages of all calls together; a single call may exceed it.
    ///   - gauge: set to the number of calls.
    package init(callLimit: Int, byteLimit: Int, gauge: Gauge) {
        self.callLimit = callLimit
        self.byteLimit = byteLimit
        self.gauge = gauge
    }

    /// The capacity that is left; zero or negative at the limit.
    package var room: (calls: Int, bytes: Int) {
        (callLimit - calls.load(ordering: .relaxed), byteLimit - bytes.load(ordering: .relaxed))
    }

    /// Begins a direct call.
    ///
    /// - Parameters:
    ///   - count: bytes of its message.
    ///   - between: its parties.
    /// - Returns: `nil` when the limits are reached.
    package func begin(_ count: Int, between: [CallParty] = []) -> CallInFlight? {
        let (now, size) = add(count)
        guard now <= callLimit, size <= byteLimit || now == 1 else {
            end(count)
            return nil
        }
        join(between)
        return CallInFlight(self, count, between)
    }

    /// The parties of the direct calls in flight. The targets of queue items are not included: they are in the
    /// database.
    package var activeParties: [CallParty] { parties.withLock { Array($0.keys) } }

    /// Begins a call of a queue item, whose capacity was checked when it was claimed.
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

    fileprivate func join(_ between: [CallParty]) {
        parties.withLock { parties in
            for party in between { parties[party, default: 0] += 1 }
        }
    }

    fileprivate func end(_ count: Int, between: [CallParty] = []) {
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

/// One call that counts until `end()`, or until this is freed.
package final class CallInFlight: Sendable {
    private let calls: CallsInFlight
    private let bytes: Int
    /// Nil once the call has ended.
    private let between: Mutex<[CallParty]?>

    fileprivate init(_ calls: CallsInFlight, _ bytes: Int, _ between: [CallParty]) {
        self.calls = calls
        self.bytes = bytes
        self.between = Mutex(between)
    }

    deinit {
        end()
    }

    /// Adds a party to the call.
    package func join(_ party: CallParty) {
        between.withLock { between in
            guard between?.contains(party) == false else { return }
            between?.append(party)
            calls.join([party])
        }
    }

    /// Releases the call's capacity. Idempotent.
    package func end() {
        let parties = between.withLock { between in
            defer { between = nil }
            return between
        }
        if let parties { calls.end(bytes, between: parties) }
    }
}
