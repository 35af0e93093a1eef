import Foundation

/// Runs blocking work on a thread of its own, so that waiting for a process never occupies the cooperative pool.
package func onThread<T: Sendable>(_ work: @escaping @Sendable () throws -> T) async throws -> T {
    try await withCheckedThrowingContinuation { continuation in
        let thread = Thread { continuation.resume(with: Result { try work() }) }
        thread.name = "test-blocking"
        thread.start()
    }
}
