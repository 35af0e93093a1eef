/// A long-lived part of a program.
package protocol Service: Sendable {
    /// Its name in logs.
    var name: String { get }

    /// Does the service's work until its task is cancelled. Returning before that, or throwing, ends the program.
    func run() async throws
}

/// A service that stops by a signal and finishes what is in flight, in place of being cancelled.
package protocol GracefulService: Service {
    /// Does the service's work until `shutdown` is given, finishes what is in flight, and returns. When that takes
    /// longer than the grace period, the task is cancelled.
    func run(until shutdown: ShutdownSignal) async throws
}

extension GracefulService {
    package func run() async throws { try await run(until: ShutdownSignal()) }
}

/// A service made of a function.
package struct ServiceFunction: GracefulService {
    package let name: String
    private let body: @Sendable (ShutdownSignal) async throws -> Void

    package init(_ name: String, _ body: @escaping @Sendable (ShutdownSignal) async throws -> Void) {
        self.name = name
        self.body = body
    }

    package func run(until shutdown: ShutdownSignal) async throws { try await body(shutdown) }
}
