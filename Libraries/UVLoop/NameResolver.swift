import Foundation
import Synchronization

/// Looks names up on threads of its own, a bounded number of them, so that names whose server does not answer hold up
/// nothing but other names.
///
/// A name is looked up once for all who ask for it at the same time. One that was not found, or not in time, is not
/// looked up again for a moment. An implementation on c-ares would take the place of `look`.
package final class NameResolver: Sendable {
    package typealias Answer = Result<[SocketAddress], ResolveError>

    /// For what this process depends on: the names of its own stores.
    package static let stores = NameResolver(name: "names-own", threads: 4, patience: .seconds(5), memory: .zero)
    /// For names that clients gave. Whoever controls a zone can keep these threads busy, and no others.
    package static let clients = NameResolver(name: "names", threads: 16, patience: .seconds(7), memory: .seconds(1))

    private struct Job {
        var completions: [@Sendable (Answer) -> Void]
        /// Nobody waits after this.
        var deadline: ContinuousClock.Instant
        var started: ContinuousClock.Instant?
    }

    private struct Failure {
        let error: ResolveError
        let until: ContinuousClock.Instant
    }

    private struct State {
        var jobs: [String: Job] = [:]
        /// Names whose turn has not come, in order.
        var waiting: [String] = []
        var threads = 0
        var failures: [String: Failure] = [:]
    }

    /// Names that may wait for their turn.
    private static let waitingLimit = 1024
    private static let failureLimit = 4096

    private let name: String
    private let threads: Int
    private let patience: Duration
    private let memory: Duration
    private let look: @Sendable (String) -> Answer
    private let state = Mutex(State())

    /// - Parameters:
    ///   - threads: names looked up at a time.
    ///   - patience: a name that has been looked up for so long already is not waited for by any more callers.
    ///   - memory: for how long a failure is believed.
    ///   - look: asks about one name, and may block.
    init(
        name: String, threads: Int, patience: Duration, memory: Duration,
        look: @escaping @Sendable (String) -> Answer = SystemLookup.addresses
    ) {
        self.name = name
        self.threads = threads
        self.patience = patience
        self.memory = memory
        self.look = look
    }

    /// What to do for a caller.
    private enum Step {
        case wait(needsThread: Bool)
        case fail(ResolveError)
    }

    /// Calls back once, on any thread, and perhaps later than the limit.
    func lookUp(_ host: String, within limit: Duration, _ completion: @escaping @Sendable (Answer) -> Void) {
        let now = ContinuousClock.now
        let step: Step = state.withLock { state in
            if let failure = state.failures[host], failure.until > now { return .fail(failure.error) }
            if let job = state.jobs[host] {
                if let started = job.started, started + patience <= now { return .fail(.late(host)) }
                state.jobs[host]?.completions.append(completion)
                state.jobs[host]?.deadline = max(job.deadline, now + limit)
                return .wait(needsThread: false)
            }
            guard state.waiting.count < Self.waitingLimit else {
                return .fail(
                    ResolveError(
                        host: host, reason: "too many names are looked up", isUnknownName: false, isLate: true))
            }
            state.jobs[host] = Job(completions: [completion], deadline: now + limit)
            state.waiting.append(host)
            guard state.threads < threads else { return .wait(needsThread: false) }
            state.threads += 1
            return .wait(needsThread: true)
        }
        switch step {
        case .fail(let error): completion(.failure(error))
        case .wait(let needsThread): if needsThread { startThread() }
        }
    }

    private func startThread() {
        let thread = Thread { self.work() }
        thread.name = name
        thread.stackSize = 256 * 1024
        thread.start()
    }

    private func work() {
        while let host = next() { finish(host, look(host)) }
    }

    /// The next name that somebody still waits for; the thread ends when there is none.
    private func next() -> String? {
        let (host, late) = state.withLock { state in
            let now = ContinuousClock.now
            var late: [(String, Job)] = []
            while !state.waiting.isEmpty {
                let host = state.waiting.removeFirst()
                guard let job = state.jobs[host] else { continue }
                if job.deadline > now {
                    state.jobs[host]?.started = now
                    return (host, late) as (String?, [(String, Job)])
                }
                late.append((host, job))
                state.jobs[host] = nil
            }
            state.threads -= 1
            return (nil, late)
        }
        for (host, job) in late { for completion in job.completions { completion(.failure(.late(host))) } }
        return host
    }

    private func finish(_ host: String, _ answer: Answer) {
        let now = ContinuousClock.now
        let job = state.withLock { state in
            if case .failure(let error) = answer, memory > .zero {
                if state.failures.count >= Self.failureLimit {
                    state.failures = state.failures.filter { $0.value.until > now }
                    if state.failures.count >= Self.failureLimit { state.failures = [:] }
                }
                state.failures[host] = Failure(error: error, until: now + memory)
            } else {
                state.failures[host] = nil
            }
            return state.jobs.removeValue(forKey: host)
        }
        for completion in job?.completions ?? [] { completion(answer) }
    }
}

/// The race between a name's answer and the caller's limit.
final class AnswerWait: Sendable {
    private let continuation: Mutex<CheckedContinuation<NameResolver.Answer, Never>?>

    init(_ continuation: CheckedContinuation<NameResolver.Answer, Never>) { self.continuation = Mutex(continuation) }

    func end(_ answer: NameResolver.Answer) {
        let continuation = continuation.withLock { continuation in
            defer { continuation = nil }
            return continuation
        }
        continuation?.resume(returning: answer)
    }
}
