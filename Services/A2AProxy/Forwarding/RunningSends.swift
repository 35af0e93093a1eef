import Concurrency
import Contracts
import Foundation
import HTTPCore
import Observability
import Postgres
import ServiceLifecycle
import Synchronization
import UVHTTPServer
import UVLoop

/// The keyed sends that run in this process: renews their leases, and writes their outcomes, with retries, also during
/// the grace period of a shutdown.
package final class RunningSends: GracefulService {
    /// The interval of the service's periodic work.
    private static let tick: Duration = .seconds(1)
    private static let shutdownPause: Duration = .milliseconds(20)
    /// Outcomes that wait for the database, and the bytes of their responses. Beyond the limits one is discarded: its
    /// lease expires, and the next run is marked as a possible redelivery.
    private static let unwrittenLimit = 1_000
    private static let unwrittenBytes = 64 << 20

    private struct Entry {
        let send: RunningSend
        /// From then on another instance may run the send.
        var leasedUntil: ContinuousClock.Instant
        var onLost: (@Sendable () -> Void)?
        /// The agent's stream, once it responds with one.
        var stream: (any HTTPByteSource)?
        /// The call is over: the row may be written before this entry is removed.
        var isEnding = false
        /// The outcome that is still to be written.
        var outcome: SendOutcome?
    }

    private struct State {
        var entries: [String: Entry] = [:]
        var unwritten = 0
        var unwrittenBytes = 0

        mutating func remove(_ owner: String) -> Entry? {
            let entry = entries.removeValue(forKey: owner)
            if let outcome = entry?.outcome {
                unwritten -= 1
                unwrittenBytes -= outcome.weight
            }
            return entry
        }
    }

    package let name = "idempotent-sends"
    /// The lease of a run, which its instance renews.
    package let lease: Duration
    private let postgres: PostgresPool
    private let loops: EventLoopGroup
    private let instance: String
    private let logger: Logger
    private let state = Mutex(State())

    package init(
        postgres: PostgresPool, loops: EventLoopGroup, instance: String, logger: Logger, lease: Duration = .seconds(60)
    ) {
        self.postgres = postgres
        self.loops = loops
        self.instance = instance
        self.logger = logger
        self.lease = lease
    }

    // MARK: - Runs

    func makeOwner() -> String { "\(instance)/\(UUID().lowercased)" }

    /// Starts to renew a run's lease.
    ///
    /// - Parameter leasedAt: when the lease was requested: a lower bound of its start.
    func begin(_ send: RunningSend, leasedAt: ContinuousClock.Instant) {
        state.withLock { $0.entries[send.owner] = Entry(send: send, leasedUntil: leasedAt + lease) }
    }

    /// Sets the handler for a lost lease: another instance has taken over the send, or may, since its lease expired.
    func onLeaseLost(of send: RunningSend, _ work: @escaping @Sendable () -> Void) {
        state.withLock { $0.entries[send.owner]?.onLost = work }
    }

    /// The agent responds with a stream, which is cancelled if the lease is lost.
    func streams(_ send: RunningSend, _ source: any HTTPByteSource) {
        let isHeld = state.withLock { state in
            state.entries[send.owner]?.stream = source
            return state.entries[send.owner] != nil
        }
        if !isHeld { source.cancel() }
    }

    /// The call has returned its response, perhaps a stream. The handler for a lost lease is removed, since it keeps
    /// the response alive, whose stream is read without a caller once it is freed.
    func callReturned(_ send: RunningSend) {
        state.withLock { $0.entries[send.owner]?.onLost = nil }
    }

    /// Whether the run still has its lease, as far as this process knows.
    func holds(_ send: RunningSend) -> Bool { state.withLock { $0.entries[send.owner] != nil } }

    /// Ends a run. The caller gets its response after the first attempt to write the outcome; until one succeeds the
    /// send counts as running, so that the work is not repeated because the database was unavailable.
    func end(_ send: RunningSend, _ outcome: SendOutcome) async {
        let isHeld = state.withLock { state in
            state.entries[send.owner]?.isEnding = true
            state.entries[send.owner]?.stream = nil
            return state.entries[send.owner] != nil
        }
        guard isHeld else { return }
        if await write(outcome, send) {
            _ = state.withLock { $0.remove(send.owner) }
        } else {
            retryLater(outcome, of: send)
        }
    }

    private func retryLater(_ outcome: SendOutcome, of send: RunningSend) {
        let isDeferred = state.withLock { state in
            let weight = outcome.weight
            let hasRoom =
                state.unwritten < Self.unwrittenLimit && state.unwrittenBytes + weight <= Self.unwrittenBytes
            guard hasRoom, state.entries[send.owner] != nil else {
                _ = state.remove(send.owner)
                return hasRoom
            }
            state.entries[send.owner]?.outcome = outcome
            state.unwritten += 1
            state.unwrittenBytes += weight
            return true
        }
        if !isDeferred { logger.warning("outcome of an idempotent send discarded: too many wait for the database") }
    }

    // MARK: - The service

    package func run(until shutdown: ShutdownSignal) async throws {
        let loop = loops.next()
        let work = Task(executorPreference: loop) { await self.ticks(loop) }
        let watch = Task(executorPreference: loop) { await self.endOverdue(loop) }
        await shutdown.wait()
        while unwritten > 0, (try? await loop.sleep(for: Self.shutdownPause)) != nil {}
        work.cancel()
        watch.cancel()
        if unwritten > 0 {
            logger.warning("outcomes of idempotent sends not written", [.count: .int(unwritten)])
        }
    }

    private var unwritten: Int { state.withLock { $0.unwritten } }

    private func ticks(_ loop: EventLoop) async {
        var nextRenewal = ContinuousClock.now + lease / 3
        // Often enough that a tick shortly before the renewal is due costs no lease.
        while (try? await loop.sleep(for: min(Self.tick, lease / 6))) != nil {
            if ContinuousClock.now >= nextRenewal, await renew() { nextRenewal = .now + lease / 3 }
            await writeOutcomes()
        }
    }

    private static let renew = Statement(
        "idempotent_renew",
        """
        UPDATE idempotent_sends s SET lease_until = now() + make_interval(secs => $5)
        FROM unnest($1::text[], $2::uuid[], $3::text[], $4::text[]) AS held (caller, target_id, key, owner)
        WHERE s.caller = held.caller AND s.target_id = held.target_id AND s.key = held.key
          AND s.lease_owner = held.owner AND s.status = 'running'
        RETURNING s.lease_owner
        """)

    /// The parameters that select sends in `renew` and `release`.
    private static func columns(_ sends: [RunningSend]) -> [any PostgresEncodable] {
        [sends.map(\.key.caller), sends.map(\.key.target), sends.map(\.key.key), sends.map(\.owner)]
    }

    /// Extends all leases.
    ///
    /// - Returns: false when it should be retried soon.
    private func renew() async -> Bool {
        let held = state.withLock { $0.entries.values.map(\.send) }
        guard !held.isEmpty else { return true }
        let leasedUntil = ContinuousClock.now + lease
        do {
            let rows = try await postgres.query(
                Self.renew, Self.columns(held) + [lease.inSeconds])
            let renewed = Set(try rows.map { $0.string(0) })
            let isHeld = state.withLock { state in
                for owner in renewed { state.entries[owner]?.leasedUntil = leasedUntil }
                return Set(state.entries.keys)
            }
            for send in held where !renewed.contains(send.owner) { cancelLost(send) }
            // Cancelled while its lease was being extended after all: no instance runs it now, so its lease is
            // released. A row that was ended normally has no owner any more.
            let left = held.filter { renewed.contains($0.owner) && !isHeld.contains($0.owner) }
            if !left.isEmpty { _ = try await postgres.query(Self.release, Self.columns(left)) }
            return true
        } catch {
            logger.warning("idempotent sends not renewed", [.count: .int(held.count), .error: .error(error)])
            return false
        }
    }

    /// Cancels a call whose lease could not be extended, before another instance repeats it. An outcome that waits to
    /// be written is kept: it stays valid until another instance takes over. In a separate task, since the other
    /// periodic work may wait for the database.
    private func endOverdue(_ loop: EventLoop) async {
        let pause = min(Self.tick, lease / 12)
        while (try? await loop.sleep(for: pause)) != nil {
            let next = ContinuousClock.now + pause
            let overdue = state.withLock { state in
                state.entries.values.filter { $0.leasedUntil <= next && !$0.isEnding && $0.outcome == nil }.map(\.send)
            }
            for send in overdue { cancelLost(send) }
        }
    }

    /// Cancels a run that another instance has taken over, or may: the agent must not do the work twice at once.
    private func cancelLost(_ send: RunningSend) {
        let entry = state.withLock { state in
            // A run that is being ended needs its lease no more.
            let entry = state.entries[send.owner]
            return entry?.isEnding == true && entry?.outcome == nil ? nil : state.remove(send.owner)
        }
        guard let entry else { return }
        logger.warning("idempotent send taken over by another run", [.workspaceID: .uuid(send.key.target)])
        entry.onLost?()
        entry.stream?.cancel()
    }

    private func writeOutcomes() async {
        let waiting = state.withLock { state in
            state.entries.values.compactMap { entry in entry.outcome.map { (entry.send, $0) } }
        }
        for (send, outcome) in waiting {
            guard await write(outcome, send) else { return }
            _ = state.withLock { $0.remove(send.owner) }
        }
    }

    // MARK: - Outcomes

    private static let end = Statement(
        "idempotent_end",
        """
        UPDATE idempotent_sends SET status = 'done', response_status = $5, response_type = $6, response_body = $7,
          response_bytes = $8, lease_owner = NULL, lease_until = NULL
        WHERE caller = $1 AND target_id = $2 AND key = $3 AND lease_owner = $4
        """)

    private static let forget = Statement(
        "idempotent_forget",
        "DELETE FROM idempotent_sends WHERE caller = $1 AND target_id = $2 AND key = $3 AND lease_owner = $4")

    /// Lets the next send with the key begin another run immediately, marked as a possible redelivery.
    private static let release = Statement(
        "idempotent_release",
        """
        UPDATE idempotent_sends s SET lease_owner = NULL, lease_until = now()
        FROM unnest($1::text[], $2::uuid[], $3::text[], $4::text[]) AS held (caller, target_id, key, owner)
        WHERE s.caller = held.caller AND s.target_id = held.target_id AND s.key = held.key
          AND s.lease_owner = held.owner
        """)

    /// - Returns: false when it should be retried.
    private func write(_ outcome: SendOutcome, _ send: RunningSend) async -> Bool {
        let row = send.key.parameters + [send.owner]
        do {
            switch outcome {
            case .response(let response):
                let body = Self.stored(response.body)
                let columns: [any PostgresEncodable] = [
                    response.status.code, response.headers["content-type"], body.text, body.exact,
                ]
                _ = try await postgres.query(Self.end, row + columns)
            // An earlier run may have delivered what this one did not.
            case .undelivered where send.run.number == 1: _ = try await postgres.query(Self.forget, row)
            case .unknown, .undelivered: _ = try await postgres.query(Self.release, Self.columns([send]))
            }
            return true
        } catch {
            logger.warning("outcome of an idempotent send not written", [.error: .error(error)])
            return error.kind == .server && !error.isRetryable
        }
    }

    private static func stored(_ body: ResponseBody) -> StoredBody {
        guard case .bytes(let bytes) = body else { return StoredBody([]) }
        return StoredBody(bytes)
    }
}
