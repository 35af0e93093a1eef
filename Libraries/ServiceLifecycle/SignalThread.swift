import Glibc
import Synchronization

/// The write end of the pipe that the signal handler writes to; -1 while there is none. A handler has access to nothing
/// but globals.
private let signalPipe = Atomic<Int32>(-1)

/// A thread that waits for signals and for one deadline.
///
/// Signals come through a handler that writes their number into a pipe, the one thing that is safe inside a handler;
/// the thread reads the pipe. So nothing here needs a loop or Dispatch, and a process whose loops are stuck still
/// obeys.
final class SignalThread: Sendable {
    private struct Timer {
        let deadline: ContinuousClock.Instant
        let action: @Sendable () -> Void
    }

    private let readEnd: Int32
    private let writeEnd: Int32
    private let onSignal: @Sendable (Int32) -> Void
    private let timers = Mutex<[Int: Timer]>([:])
    private let timerCount = Atomic<Int>(0)
    private let thread = Mutex(pthread_t())
    private let previousActions: Mutex<[(signal: Int32, action: sigaction)]>

    /// Starts the thread and takes over the signals. Only one at a time in a process.
    ///
    /// - Parameter onSignal: called on the thread with each signal's number.
    init(signals: [Int32], onSignal: @escaping @Sendable (Int32) -> Void) {
        var ends: [Int32] = [-1, -1]
        precondition(pipe(&ends) == 0, "no pipe for signals")
        (readEnd, writeEnd) = (ends[0], ends[1])
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        _ = fcntl(writeEnd, F_SETFL, O_NONBLOCK)  // a handler must never block
        self.onSignal = onSignal
        signalPipe.store(writeEnd, ordering: .sequentiallyConsistent)
        previousActions = Mutex(Self.takeOver(signals))
        thread.withLock { thread in
            // The thread holds a reference of its own, taken over and dropped by the thread's function.
            _ = pthread_create(
                &thread, nil,
                { context in
                    Unmanaged<SignalThread>.fromOpaque(context!).takeRetainedValue().loop()
                    return nil
                }, Unmanaged.passRetained(self).toOpaque())
        }
    }

    /// Restores the signals' actions and ends the thread. Not to be called on the thread itself.
    func stop() {
        previousActions.withLock { actions in
            for (signal, action) in actions {
                var action = action
                sigaction(signal, &action, nil)
            }
        }
        signalPipe.store(-1, ordering: .sequentiallyConsistent)
        wake(with: .stop)
        pthread_join(thread.withLock { $0 }, nil)
        close(readEnd)
        close(writeEnd)
    }

    /// Calls `action` on the thread after `delay`.
    ///
    /// - Returns: the id for ``cancel(_:)``.
    func schedule(after delay: Duration, _ action: @escaping @Sendable () -> Void) -> Int {
        let id = timerCount.wrappingAdd(1, ordering: .relaxed).newValue
        timers.withLock { $0[id] = Timer(deadline: .now + delay, action: action) }
        wake(with: .timersChanged)
        return id
    }

    func cancel(_ id: Int) { _ = timers.withLock { $0.removeValue(forKey: id) } }

    private enum WakeReason: UInt8 {
        case timersChanged = 254
        case stop = 255
    }

    private func wake(with reason: WakeReason) {
        var byte = reason.rawValue
        _ = write(writeEnd, &byte, 1)
    }

    /// - Returns: the actions that were there before.
    private static func takeOver(_ signals: [Int32]) -> [(signal: Int32, action: sigaction)] {
        var action = sigaction()
        action.__sigaction_handler.sa_handler = { number in
            let savedError = errno
            var byte = UInt8(truncatingIfNeeded: number)
            _ = write(signalPipe.load(ordering: .relaxed), &byte, 1)
            errno = savedError
        }
        action.sa_flags = SA_RESTART
        return signals.map { signal in
            var previous = sigaction()
            sigaction(signal, &action, &previous)
            return (signal, previous)
        }
    }

    private func loop() {
        while true {
            var descriptor = pollfd(fd: readEnd, events: Int16(POLLIN), revents: 0)
            let ready = poll(&descriptor, 1, millisecondsToDeadline())
            fireTimers()
            guard ready > 0 else { continue }
            var byte: UInt8 = 0
            guard read(readEnd, &byte, 1) == 1 else { continue }
            switch WakeReason(rawValue: byte) {
            case .stop: return
            case .timersChanged: continue
            case nil: onSignal(Int32(byte))
            }
        }
    }

    private func fireTimers() {
        let now = ContinuousClock.now
        let due = timers.withLock { timers in
            let due = timers.filter { $0.value.deadline <= now }
            for id in due.keys { timers[id] = nil }
            return due.values.sorted { $0.deadline < $1.deadline }
        }
        for timer in due { timer.action() }
    }

    /// The time-out of poll(2): -1 for none. Rounded up, or it would spin through the last millisecond.
    private func millisecondsToDeadline() -> Int32 {
        guard let next = timers.withLock({ $0.values.map(\.deadline).min() }) else { return -1 }
        let left = (next - .now).components
        guard left.seconds >= 0, left.attoseconds >= 0 else { return 0 }
        return Int32(min(left.seconds, 1_000_000) * 1000 + left.attoseconds / 1_000_000_000_000_000 + 1)
    }
}
