import CCares
import Concurrency
import Foundation

/// The addresses of names on one loop, which owns it: looked up by c-ares, a bounded number at a time, and cached.
///
/// A name is looked up once for all who ask for it at the same time. Loop thread only.
package final class NameResolver {
    /// The addresses, without a port, in the order in which they should be tried.
    package typealias Outcome = Result<[SocketAddress], ResolveError>

    private struct Key: Hashable {
        let host: String
        let origin: NameOrigin
    }

    /// A caller that waits for a name, until the timer fires.
    private final class Waiter {
        let completion: (Outcome) -> Void
        var timer: LoopTimer?

        init(_ completion: @escaping (Outcome) -> Void) {
            self.completion = completion
        }

        func end(_ outcome: Outcome) {
            timer?.close()
            timer = nil
            completion(outcome)
        }
    }

    private struct Job {
        var waiters: [Waiter] = []
        var hasStarted = false
    }

    // The loop owns the resolver.
    private unowned let loop: EventLoop
    private let configuration: NameResolverConfiguration
    private let file: ResolverFile
    private var cache: NameCache
    private var queues: [NameOrigin: LookupQueue]
    private var jobs: [Key: Job] = [:]
    private var channel: AresChannel?
    /// Channels of settings that have changed, until their last look-up has ended.
    private var retired: [AresChannel] = []
    private var hasEnded = false

    init(loop: EventLoop, configuration: NameResolverConfiguration) {
        self.loop = loop
        self.configuration = configuration
        file = ResolverFile(path: configuration.resolverFile, interval: configuration.resolverFileInterval)
        cache = NameCache(capacity: configuration.cachedNames)
        queues = configuration.concurrentLookups.mapValues {
            LookupQueue(concurrent: $0, waitingLimit: configuration.waitingLookups)
        }
    }

    // MARK: - For callers

    /// Looks a name up, unless it is an address or its addresses are known.
    ///
    /// - Parameters:
    ///   - origin: decides about the limits that apply.
    ///   - limit: how long the caller waits.
    ///   - completion: called once, on the loop, and never before this returns.
    package func lookUp(
        _ name: String, for origin: NameOrigin, within limit: Duration,
        _ completion: @escaping (Outcome) -> Void
    ) {
        // Names mean the same in every case, but `localhost` to c-ares only in this one.
        let host = name.lowercased()
        if let outcome = knownOutcome(host, for: origin) { return loop.post { completion(outcome) } }
        let key = Key(host: host, origin: origin)
        if jobs[key] == nil {
            guard let admission = queues[origin]?.admit(host), admission != .refuse else {
                return loop.post { completion(.failure(.overloaded(host))) }
            }
            jobs[key] = Job()
            if admission == .start { start(key) }
        }
        let waiter = Waiter(completion)
        jobs[key]?.waiters.append(waiter)
        waiter.timer = loop.makeTimer { [weak self, weak waiter] in
            if let waiter { self?.giveUp(waiter, key) }
        }
        waiter.timer?.start(after: limit)
    }

    private func knownOutcome(_ host: String, for origin: NameOrigin) -> Outcome? {
        if hasEnded { return .failure(.ended(host)) }
        if let literal = SocketAddress(ip: host, port: 0) { return .success([literal]) }
        let cached = cache.result(for: host, now: loop.nowMilliseconds)
        if case .failure = cached, origin == .stores { return nil }
        return cached
    }

    private func giveUp(_ waiter: Waiter, _ key: Key) {
        jobs[key]?.waiters.removeAll { $0 === waiter }
        // A look-up that runs goes on: its result is cached.
        if let job = jobs[key], job.waiters.isEmpty, !job.hasStarted {
            jobs[key] = nil
            queues[key.origin]?.withdraw(key.host)
        }
        waiter.end(.failure(.late(key.host)))
    }

    // MARK: - Look-ups

    private func start(_ key: Key) {
        jobs[key]?.hasStarted = true
        guard let channel = currentChannel() else { return loop.post { self.finish(key, ARES_ENOMEM, nil) } }
        channel.lookUp(key.host) { [weak self] status, found in
            // In a later round: a channel must not be entered, or freed, from its own callback.
            guard let self, !hasEnded else { return }
            loop.post { self.finish(key, status, found) }
        }
    }

    private func finish(_ key: Key, _ status: Int32, _ found: AresChannel.Found?) {
        guard !hasEnded else { return }
        closeRetired()
        let outcome: Outcome
        if status == ARES_SUCCESS, let found, !found.addresses.isEmpty {
            outcome = .success(found.addresses)
            remember(outcome, key, for: bounded(.seconds(found.timeToLive)))
        } else {
            let error = ResolveError(host: key.host, status: status == ARES_SUCCESS ? ARES_ENODATA : status)
            outcome = .failure(error)
            if key.origin == .clients { remember(outcome, key, for: configuration.failureTimeToLive) }
        }
        let job = jobs.removeValue(forKey: key)
        if let next = queues[key.origin]?.finish() { start(Key(host: next, origin: key.origin)) }
        for waiter in job?.waiters ?? [] { waiter.end(outcome) }
    }

    private func bounded(_ duration: Duration) -> Duration {
        min(max(duration, configuration.timeToLive.lowerBound), configuration.timeToLive.upperBound)
    }

    private func remember(_ outcome: Outcome, _ key: Key, for duration: Duration) {
        let now = loop.nowMilliseconds
        cache.insert(outcome, for: key.host, until: now + duration.milliseconds, now: now)
    }

    // MARK: - The channel

    /// The channel, made anew when the system's settings have changed: c-ares 1.18 reads them once.
    private func currentChannel() -> AresChannel? {
        if file.hasChanged(now: loop.nowMilliseconds), let old = channel {
            channel = nil
            cache.removeAll()
            retired.append(old)
            loop.post { self.closeRetired() }
        }
        if channel == nil { channel = AresChannel(loop: loop, configuration: configuration) }
        return channel
    }

    private func closeRetired() {
        guard !retired.isEmpty else { return }
        for channel in retired where channel.lookups == 0 { channel.close() }
        retired.removeAll { $0.lookups == 0 }
    }

    /// Fails the look-ups under way. The loop calls it at its end.
    func end() {
        hasEnded = true
        let ended = jobs
        jobs = [:]
        channel?.close()
        channel = nil
        for channel in retired { channel.close() }
        retired = []
        for (key, job) in ended { for waiter in job.waiters { waiter.end(.failure(.ended(key.host))) } }
    }
}

extension EventLoop {
    /// The addresses of a name, in the order in which they should be tried, without blocking the loop.
    ///
    /// - Parameters:
    ///   - limit: how long the caller waits.
    ///   - origin: `.clients` for a name that a client gave.
    /// - Throws: also when there is no response within the limit, or too many look-ups wait.
    package func resolve(
        host: String, port: UInt16, within limit: Duration = .seconds(5), by origin: NameOrigin = .stores
    ) async throws(ResolveError) -> [SocketAddress] {
        let outcome = await withCheckedContinuation { continuation in
            execute { self.names.lookUp(host, for: origin, within: limit) { continuation.resume(returning: $0) } }
        }
        return try outcome.get().map { $0.with(port: port) }
    }
}
