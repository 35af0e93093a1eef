import CPQ
import Foundation
import Synchronization

/// Sends cancel requests for the current statement of a connection. `PQcancel` opens a connection of its own and
/// blocks, so each request has a thread, of which there are only a few: on a dead network they may hang for minutes.
enum Canceller {
    private static let limit = 8
    private static let running = Atomic<Int>(0)

    /// Owns what libpq needs to cancel without touching the connection.
    private final class Request: @unchecked Sendable {
        // Made on the loop, used once and freed on the thread.
        let raw: OpaquePointer

        init?(_ connection: OpaquePointer) {
            guard let raw = PQgetCancel(connection) else { return nil }
            self.raw = raw
        }

        deinit { PQfreeCancel(raw) }

        func send() {
            var text = [CChar](repeating: 0, count: 256)
            // Failures are ignored: the caller closes the connection after its grace period.
            _ = PQcancel(raw, &text, Int32(text.count))
        }
    }

    /// Returns at once.
    static func cancel(_ connection: PostgresConnection) {
        guard connection.isOpen else { return }
        guard running.add(1, ordering: .relaxed).newValue <= limit, let request = Request(connection.handle.raw) else {
            running.subtract(1, ordering: .relaxed)
            return
        }
        let thread = Thread {
            request.send()
            running.subtract(1, ordering: .relaxed)
        }
        thread.name = "pg-cancel"
        thread.stackSize = 256 * 1024
        thread.start()
    }
}
