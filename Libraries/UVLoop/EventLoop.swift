import CUV
import Foundation
import Synchronization

/// One libuv loop on a thread of its own, which Swift tasks can run on.
///
/// It is a `TaskExecutor`, so that a task made with `executorPreference:` resumes on the loop's thread after every
/// suspension, and a `SerialExecutor`, so that an actor can live on it. Work given from the loop's own thread costs an
/// array append; work from elsewhere a lock and a wake-up.
///
/// An actor's jobs run like those of any task (`run` says why), so what asks whether it is on the actor is answered by
/// `checkIsolated`, and what compares executors instead would be told no. No part of the platform is such an actor.
///
/// `@unchecked Sendable`: everything mutable is either touched on the loop's thread alone (`local`, the handles) or
/// behind the mutex (`remote`).
package final class EventLoop: TaskExecutor, SerialExecutor, @unchecked Sendable {
    /// The libuv loop. Touch it on the loop's thread only.
    package let uvLoop: UnsafeMutablePointer<uv_loop_t>

    private enum Work {
        case job(UnownedJob)
        case call(() -> Void)
    }

    /// Work on its way from another thread. Not one generic type with `Work`: a closure in such a type is wrapped in
    /// another one.
    private enum RemoteWork {
        case job(UnownedJob)
        case call(@Sendable () -> Void)

        var local: Work {
            switch self {
            case .job(let job): .job(job)
            case .call(let call): .call(call)
            }
        }
    }

    private struct Remote {
        var work: [RemoteWork] = []
        var isAwake = false
        var isClosed = false
    }

    /// How many times the queue is emptied before I/O gets its turn again.
    private static let roundsPerTurn = 8

    private let remote = Mutex(Remote())
    private var local: [Work] = []
    private var spare: [Work] = []
    private let async: UnsafeMutablePointer<uv_async_t>
    private let check: UnsafeMutablePointer<uv_check_t>
    private let prepare: UnsafeMutablePointer<uv_prepare_t>
    private let idle: UnsafeMutablePointer<uv_idle_t>
    private var thread = pthread_t()
    /// One buffer serves every read of this loop: the bytes are consumed inside the read's callback.
    let readBuffer = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 65536)

    private let namesConfiguration: NameResolverConfiguration
    /// The loop's name resolver. Loop thread only.
    package private(set) lazy var names = NameResolver(loop: self, configuration: namesConfiguration)

    /// In place of the system's clock; only ever in tests.
    let manualTime: ManualTime?

    init(name: String, names: NameResolverConfiguration, hasManualTime: Bool) {
        namesConfiguration = names
        manualTime = hasManualTime ? ManualTime() : nil
        uvLoop = .allocate(capacity: 1)
        async = .allocate(capacity: 1)
        check = .allocate(capacity: 1)
        prepare = .allocate(capacity: 1)
        idle = .allocate(capacity: 1)
        uv_loop_init(uvLoop)
        // The loop outlives its handles' callbacks: they end before `run` returns, and `run` holds the loop.
        let context = Unmanaged.passUnretained(self).toOpaque()
        uvLoop.pointee.data = context
        uv_async_init(uvLoop, async) { EventLoop.of($0).takeRemote() }
        uv_check_init(uvLoop, check)
        uv_prepare_init(uvLoop, prepare)
        uv_idle_init(uvLoop, idle)
        async.pointee.data = context
        check.pointee.data = context
        prepare.pointee.data = context
        uv_check_start(check) { EventLoop.of($0).drain() }
        // Timers run before the poll: what they queue must not wait for the next event.
        uv_prepare_start(prepare) { EventLoop.of($0).drain() }
        startThread(name: name)
    }

    deinit {
        readBuffer.deallocate()
    }

    private static func of(_ handle: UnsafeMutablePointer<uv_async_t>?) -> EventLoop { at(handle?.pointee.data) }
    private static func of(_ handle: UnsafeMutablePointer<uv_check_t>?) -> EventLoop { at(handle?.pointee.data) }
    private static func of(_ handle: UnsafeMutablePointer<uv_prepare_t>?) -> EventLoop { at(handle?.pointee.data) }
    /// The loop behind the `data` of one of its own handles, or of the libuv loop.
    static func at(_ context: UnsafeMutableRawPointer?) -> EventLoop {
        Unmanaged<EventLoop>.fromOpaque(context!).takeUnretainedValue()
    }

    // MARK: - Work

    /// Whether the caller runs on this loop's thread.
    package var inLoop: Bool { EventLoop.current === self }

    /// The loop's cached monotonic clock, in milliseconds. Loop thread only.
    package var nowMilliseconds: UInt64 { manualTime?.now ?? uv_now(uvLoop) }

    /// Runs `work` on the loop: at once when already there, else as soon as the loop wakes.
    package func execute(_ work: @escaping @Sendable () -> Void) {
        if inLoop { work() } else { enqueueRemote(.call(work)) }
    }

    /// Runs `work` in a later round. Loop thread only, so that `work` may keep what belongs to the loop.
    package func post(_ work: @escaping () -> Void) {
        preconditionInLoop()
        local.append(.call(work))
    }

    /// Starts a task that runs, and resumes, on this loop.
    package func spawn(_ operation: @escaping @Sendable () async -> Void) {
        Task(executorPreference: self) { await operation() }
    }

    /// Runs a job of the Swift runtime on the loop.
    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        if inLoop { local.append(.job(job)) } else { enqueueRemote(.job(job)) }
    }

    /// Stops the process unless the caller is on the loop.
    package func checkIsolated() {
        preconditionInLoop()
    }

    /// Stops the process unless the caller is on the loop.
    package func preconditionInLoop() {
        precondition(inLoop, "not on the event loop")
    }

    private func enqueueRemote(_ work: RemoteWork) {
        // The wake-up is sent under the lock: after `isClosed` the handle is gone.
        remote.withLock { remote in
            guard !remote.isClosed else { return }
            remote.work.append(work)
            if !remote.isAwake {
                remote.isAwake = true
                uv_async_send(async)
            }
        }
    }

    private func takeRemote() {
        remote.withLock { remote in
            remote.isAwake = false
            for work in remote.work { local.append(work.local) }
            remote.work.removeAll(keepingCapacity: true)
        }
    }

    private func drain() {
        var rounds = 0
        while !local.isEmpty, rounds < Self.roundsPerTurn {
            rounds += 1
            swap(&local, &spare)
            for work in spare { run(work) }
            spare.removeAll(keepingCapacity: true)
        }
        // Work that is left keeps the poll from blocking, but lets it look at the sockets first.
        if local.isEmpty { uv_idle_stop(idle) } else { uv_idle_start(idle) { _ in } }
    }

    private func run(_ work: Work) {
        switch work {
        case .job(let job):
            // Not `isolatedTo:` the loop: a nonisolated task, as all of ours are, would then have to leave the loop's
            // isolation first, which queues it a second time. An actor on the loop still passes `checkIsolated`.
            job.runSynchronously(on: asUnownedTaskExecutor())
        case .call(let call): call()
        }
    }

    // MARK: - The thread

    private func startThread(name: String) {
        let start = ThreadStart(loop: self, name: name)
        let code = pthread_create(&thread, nil, ThreadStart.main, Unmanaged.passRetained(start).toOpaque())
        precondition(code == 0, "cannot start a thread: error \(code)")
    }

    fileprivate func runUntilStopped() {
        uv_run(uvLoop, UV_RUN_DEFAULT)
        names.end()
        remote.withLock { $0.isClosed = true }
        uv_walk(
            uvLoop,
            { handle, _ in
                if let handle, uv_is_closing(handle) == 0 { uv_close(handle, LoopHandles.release) }
            }, nil)
        uv_run(uvLoop, UV_RUN_DEFAULT)
        uv_loop_close(uvLoop)
    }

    /// Ends the loop and waits for its thread. Tasks still waiting on it never resume.
    func stop() {
        execute { uv_stop(self.uvLoop) }
        pthread_join(thread, nil)
        for pointer in [UnsafeMutableRawPointer(async), .init(check), .init(prepare), .init(idle), .init(uvLoop)] {
            pointer.deallocate()
        }
    }
}

/// What a new loop thread is told.
private final class ThreadStart {
    let loop: EventLoop
    let name: String

    init(loop: EventLoop, name: String) {
        self.loop = loop
        self.name = name
    }

    /// A peer that hangs up is an error of the write, not the end of the process.
    private static func blockBrokenPipeSignal() {
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGPIPE)
        pthread_sigmask(SIG_BLOCK, &signals, nil)
    }

    static let main: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { context in
        let start = Unmanaged<ThreadStart>.fromOpaque(context!).takeRetainedValue()
        switchyard_name_thread(start.name)
        blockBrokenPipeSignal()
        EventLoop.setCurrent(start.loop)
        start.loop.runUntilStopped()
        EventLoop.setCurrent(nil)
        return nil
    }
}

extension EventLoop {
    private static let currentKey: pthread_key_t = {
        var key = pthread_key_t()
        pthread_key_create(&key, nil)
        return key
    }()

    /// The loop whose thread this is, if any.
    package static var current: EventLoop? {
        guard let context = pthread_getspecific(currentKey) else { return nil }
        return Unmanaged<EventLoop>.fromOpaque(context).takeUnretainedValue()
    }

    fileprivate static func setCurrent(_ loop: EventLoop?) {
        pthread_setspecific(currentKey, loop.map { UnsafeRawPointer(Unmanaged.passUnretained($0).toOpaque()) })
    }
}
