import CRabbitMQ
import Foundation

/// librabbitmq blocks, so that each connection has a thread of its own, never one of the cooperative pool.
enum ConnectionThread {
    private final class Start: Sendable {
        let name: String
        let body: @Sendable () -> Void

        init(name: String, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }

    /// Runs `body` on a new thread, and returns when it has.
    ///
    /// - Parameter name: shown by tools; at most 15 bytes are kept.
    /// - Throws: when the system gives no more threads.
    static func run(name: String, _ body: @escaping @Sendable () -> Void) async throws {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            let start = Start(name: name) {
                body()
                continuation.resume()
            }
            var attributes = pthread_attr_t()
            pthread_attr_init(&attributes)
            pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
            // Address space only: a few kilobytes are used. But librabbitmq descends into a message's tables as deep as
            // they are, which takes 4 MB for the largest frame.
            pthread_attr_setstacksize(&attributes, 8 * 1024 * 1024)
            var thread = pthread_t()
            let retained = Unmanaged.passRetained(start)
            let status = pthread_create(
                &thread, &attributes,
                { argument in
                    guard let argument else { return nil }
                    let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
                    switchyard_name_thread(start.name)
                    start.body()
                    return nil
                }, retained.toOpaque())
            pthread_attr_destroy(&attributes)
            guard status != 0 else { return }
            retained.release()
            continuation.resume(
                throwing: AMQPError(.connection, "pthread_create: \(String(cString: strerror(status)))"))
        }
    }
}
