import Synchronization

/// Turns many small writes into few large ones: while one flush runs, what is submitted waits together for the next.
///
/// Under light load an input is flushed at once; under heavy load the batch grows by itself to whatever arrives during
/// one commit. No caller is resumed before its flush has returned. See ``BatchPacing`` for how eagerly it flushes.
package final class Batcher<Input: Sendable, Output: Sendable>: Sendable {
    /// Writes one batch. Returns one output an input, in order; throwing fails the whole batch.
    package typealias Flush = @Sendable ([Input]) async throws -> [Output]

    private struct Waiting {
        let input: Input
        let continuation: UnsafeContinuation<Output, any Error>?
    }

    private struct State {
        var waiting: Backlog<Waiting>
        var running = 0
        /// The size of the batch taken last.
        var lastSize = 0
    }

    private let state: Mutex<State>
    private let limit: Int
    private let concurrency: Int
    private let capacity: Int
    private let pacing: BatchPacing
    private let flush: Flush

    /// - Parameters:
    ///   - limit: the largest batch.
    ///   - concurrency: how many flushes may run at once.
    ///   - capacity: how many inputs may wait; more are refused with `BatcherError.full`.
    ///   - key: inputs of one key are never in one batch, nor in two that run at once; the later one waits.
    ///   - pacing: where flushes run and what they wait for; by default on the global pool, for nothing.
    package init(
        limit: Int, concurrency: Int = 1, capacity: Int = 100_000, key: (@Sendable (Input) -> AnyHashable)? = nil,
        pacing: BatchPacing = BatchPacing(), flush: @escaping Flush
    ) {
        self.limit = limit
        self.concurrency = concurrency
        self.capacity = capacity
        let waitingKey = key.map { key in { @Sendable (waiting: Waiting) in key(waiting.input) } }
        state = Mutex(State(waiting: Backlog(limit: limit, key: waitingKey)))
        self.pacing = pacing
        self.flush = flush
    }

    /// Waits until the batch that holds `input` has been written.
    ///
    /// - Throws: what the flush threw, or `BatcherError.full`.
    package func submit(_ input: Input) async throws -> Output {
        try await withUnsafeThrowingContinuation { continuation in
            if !add(Waiting(input: input, continuation: continuation)) {
                continuation.resume(throwing: BatcherError.full)
            }
        }
    }

    /// Hands `input` over without waiting for its flush.
    ///
    /// - Returns: false when too many wait already; the input is dropped then.
    @discardableResult
    package func add(_ input: Input) -> Bool {
        add(Waiting(input: input, continuation: nil))
    }

    private func add(_ item: Waiting) -> Bool {
        let (isAccepted, isFirst) = state.withLock { state in
            guard state.waiting.count < capacity else { return (false, false) }
            state.waiting.add(item)
            let isDue = state.running == 0 || !pacing.overlapsOnlyWhenFull || state.waiting.ready >= limit
            guard state.running < concurrency, isDue else { return (true, false) }
            state.running += 1
            return (true, true)
        }
        if isFirst {
            Task(executorPreference: pacing.executor?()) { [self] in
                // Inputs of tasks that are ready to run now join the first batch.
                await Task.yield()
                await run()
            }
        }
        return isAccepted
    }

    private func run() async {
        while let batch = await next() {
            do {
                let outputs = try await flush(batch.map(\.input))
                precondition(outputs.count == batch.count, "a flush must return one output per input")
                for (item, output) in zip(batch, outputs) { item.continuation?.resume(returning: output) }
            } catch {
                for item in batch { item.continuation?.resume(throwing: error) }
            }
            state.withLock { $0.waiting.finish(batch) }
            if let pause = pacing.pause { await pause() }
        }
    }

    /// The next batch, or `nil` when there is none; the running flush ends then.
    private func next() async -> [Waiting]? {
        if let coalescingDelay = pacing.coalescingDelay, shouldCoalesce { await coalescingDelay() }
        return take()
    }

    /// Whether much less waits than the last flush took: its callers are about to submit again.
    private var shouldCoalesce: Bool {
        state.withLock { $0.lastSize >= BatchPacing.busySize && $0.waiting.count < $0.lastSize * 3 / 4 }
    }

    private func take() -> [Waiting]? {
        state.withLock { state in
            let batch = state.waiting.take()
            if batch.isEmpty {
                state.running -= 1
                return nil
            }
            state.lastSize = batch.count
            return batch
        }
    }
}

/// Why an input was not taken.
package enum BatcherError: Error, Sendable {
    /// The queue is full; the caller should retry later.
    case full
}
