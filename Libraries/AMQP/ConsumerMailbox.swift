import Synchronization

/// An outcome on its way from a handler to the consumer's thread.
struct FinishedDelivery: Sendable {
    /// The connection that the delivery came from: its tag is valid on that one only.
    let generation: Int
    let tag: UInt64
    let outcome: AMQPOutcome
    /// How often it had been delivered before.
    let previousDeliveries: Int
}

/// Passes outcomes from handlers on any thread to the consumer's thread.
final class ConsumerMailbox: Sendable {
    private struct State {
        var finished: [FinishedDelivery] = []
        var connection = AMQPState.connecting
        var connections = 0
        var isStopping = false
    }

    let wakeup = EventFD()
    private let state = Mutex(State())

    var connection: AMQPState {
        get { state.withLock { $0.connection } }
        set {
            state.withLock { state in
                if newValue == .ready { state.connections += 1 }
                state.connection = newValue
            }
        }
    }

    /// How often consuming the queue began.
    var connections: Int { state.withLock { $0.connections } }

    var isStopping: Bool { state.withLock { $0.isStopping } }

    func stop() {
        state.withLock { $0.isStopping = true }
        wakeup.wake()
    }

    func finish(_ delivery: FinishedDelivery) {
        let isFirst = state.withLock { state in
            state.finished.append(delivery)
            return state.finished.count == 1
        }
        if isFirst { wakeup.wake() }
    }

    func take() -> [FinishedDelivery] {
        state.withLock { state in
            defer { state.finished = [] }
            return state.finished
        }
    }
}
