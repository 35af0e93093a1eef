/// One service of a group: its task, what tells it to stop, and whether it has ended.
final class RunningService: Sendable {
    let name: String
    private let stopAsked = ShutdownSignal()
    private let ended = Gate()
    private let task: Task<Void, Never>

    /// Starts the service.
    ///
    /// - Parameter onEnd: called once with the service's name, what it threw, and whether it had been asked to stop. An
    ///   error after a cancellation that was asked for is none.
    init(
        _ service: any Service, executor: (any TaskExecutor)?,
        onEnd: @escaping @Sendable (_ name: String, _ error: (any Error)?, _ wasAsked: Bool) -> Void
    ) {
        name = service.name
        task = Task(executorPreference: executor) { [stopAsked, ended] in
            var failure: (any Error)?
            do {
                if let graceful = service as? any GracefulService {
                    try await graceful.run(until: stopAsked)
                } else {
                    try await service.run()
                }
            } catch {
                failure = stopAsked.isGiven && (error is CancellationError || Task.isCancelled) ? nil : error
            }
            onEnd(service.name, failure, stopAsked.isGiven)
            ended.open()
        }
        if !(service is any GracefulService) { stopAsked.onShutdown { [task] in task.cancel() } }
    }

    func askToStop() { stopAsked.give() }
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
