/// How eagerly a ``Batcher`` flushes: for flushes whose fixed cost is much larger than the cost per input.
package struct BatchPacing: Sendable {
    /// The size of a batch from which on a batcher counts as busy.
    static let busySize = 16

    let executor: (@Sendable () -> any TaskExecutor)?
    let overlapsOnlyWhenFull: Bool
    let coalescingDelay: (@Sendable () async -> Void)?
    let pause: (@Sendable () async -> Void)?

    /// - Parameters:
    ///   - executor: where a flush runs; `nil` for the global pool, from which every resumption of a caller on a loop
    ///     is a wake-up.
    ///   - overlapsOnlyWhenFull: a further flush begins beside a running one only once a whole batch waits, so that
    ///     batches grow to what arrives during one commit and not to half of it.
    ///   - coalescingDelay: waits at most a few milliseconds, to coalesce inputs. Called before a flush that would take much
    ///     less than the one before it: callers that were resumed together submit again together, and the first of them
    ///     must not have a commit to itself while the others wait for it.
    ///   - pause: waits between two flushes, but not before one that follows an idle time: where flushes are quick but
    ///     expensive, batches would otherwise stay small.
    package init(
        executor: (@Sendable () -> any TaskExecutor)? = nil, overlapsOnlyWhenFull: Bool = false,
        coalescingDelay: (@Sendable () async -> Void)? = nil, pause: (@Sendable () async -> Void)? = nil
    ) {
        self.executor = executor
        self.overlapsOnlyWhenFull = overlapsOnlyWhenFull
        self.coalescingDelay = coalescingDelay
        self.pause = pause
    }
}
