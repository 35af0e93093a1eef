import Concurrency

/// One service of a group: its task, its shutdown signal, and whether it has ended.
final class RunningService: Sendable {
    let name: String
    private let shutdown = ShutdownSignal()
    private let ended = Gate()
    private let task: Task<Void, Never>

    /// Starts the service.
    ///
    /// - Parameter onEnd: called once with the service's name, what it threw, and whether it was requested to stop. An
    ///   error after a requested cancellation is none.
    init(
        _ service: any Service, executor: (any TaskExecutor)?,
        onEnd: @escaping @Sendable (_ name: String, _ error: (any Error)?, _ wasRequested: Bool) -> Void
    ) {
        name = service.name
        task = Task(executorPreference: executor) { [shutdown, ended] in
            var failure: (any Error)?
            do {
                if let graceful = service as? any GracefulService {
                    try await graceful.run(until: shutdown)
                } else {
                    try await service.run()
                }
            } catch {
                failure = shutdown.isGiven && (error is CancellationError || Task.isCancelled) ? nil : error
            }
            onEnd(service.name, failure, shutdown.isGiven)
            ended.open()
        }
        if !(service is any GracefulService) { shutdown.onShutdown { [task] in task.cancel() } }
    }

    func requestStop() { shutdown.give() }
    func cancel() { task.cancel() }

    /// Waits for the end of the service until a deadline.
    func hasEnded(by deadline: ContinuousClock.Instant, _ thread: SignalThread) async -> Bool {
        let either = Gate()
        let timer = thread.schedule(after: deadline - .now) { either.open() }
        ended.onOpen { either.open() }
        await either.wait()
        thread.cancel(timer)
        return ended.isOpen
    }
}
