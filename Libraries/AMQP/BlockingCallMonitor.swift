import Concurrency
import Foundation
import Synchronization

/// Which call of librabbitmq a connection's thread is in, so that another thread can end it.
///
/// librabbitmq sends without a time limit: with a broker that stops reading in the middle of a frame (under a memory
/// alarm, or frozen) the call would last as long as that.
final class BlockingCallMonitor: Sendable {
    private struct Running {
        let socket: Int32
        let since: Int64
    }

    private let running = Mutex<Running?>(nil)

    /// Runs a call that may send, on the thread that owns the socket, and does not close it.
    func during<Value, Failure: Error>(_ socket: Int32, _ call: () throws(Failure) -> Value) throws(Failure) -> Value {
        running.withLock { $0 = Running(socket: socket, since: MonotonicClock.milliseconds) }
        defer { running.withLock { $0 = nil } }
        return try call()
    }

    /// Ends a call that lasts longer than `limit` milliseconds: its socket is shut down, so that it fails.
    ///
    /// Under the lock: afterwards the descriptor may be another connection's.
    func end(after limit: Int64) {
        running.withLock { running in
            guard let call = running, MonotonicClock.milliseconds - call.since > limit else { return }
            _ = shutdown(call.socket, Int32(SHUT_RDWR))
        }
    }
}
