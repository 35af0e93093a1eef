import Batching
import Concurrency
import Contracts
import Observability
import PlatformInternals
import Postgres
import ServiceLifecycle
import UVHTTPServer
import UVLoop

/// The audit log of operators' actions. An entry is written before the action, its outcome afterwards; when the process
/// ends in between, the entry stays without an outcome.
package final class AuditLog: Sendable {
    /// The outcome of a request.
    struct Outcome: Sendable {
        let id: Int64
        let status: Int
        let detail: String?
    }

    /// Attempts to write outcomes: enough for an outage of about half a minute.
    private static let attempts = 10

    private let entries: Batcher<AuditEntry, Int64>
    /// Nil is the marker that `flush` waits for.
    private let ends: Batcher<Outcome?, Void>

    /// - Parameter service: the name of the service that handles the requests.
    package init(postgres: PostgresPool, service: String, loops: EventLoopGroup, logger: Logger) {
        let store = AuditStore(postgres: postgres, service: service)
        let pacing = BatchPacing(executor: { loops.any() })
        let writeFailures = RepeatedWarning("operators are refused: the audit log cannot be written", logger)
        entries = Batcher(limit: 200, capacity: 10_000, pacing: pacing) { entries in
            do {
                return try await store.add(entries)
            } catch {
                writeFailures.log([.count: .int(entries.count), .error: .string("\(error)")])
                throw error
            }
        }
        ends = Batcher(limit: 500, pacing: pacing) { ends in
            let outcomes = ends.compactMap { $0 }
            if !outcomes.isEmpty { await Self.write(outcomes, store, loops.any(), logger) }
            return ends.map { _ in }
        }
    }

    private static func write(_ ends: [Outcome], _ store: AuditStore, _ loop: EventLoop, _ logger: Logger) async {
        var backoff = Backoff(initial: .milliseconds(100), maximum: .seconds(5))
        for _ in 1..<attempts {
            if (try? await store.finish(ends)) != nil { return }
            try? await loop.sleep(for: backoff.next())
        }
        do {
            try await store.finish(ends)
        } catch {
            logger.warning(
                "outcomes of operators' requests are missing from the audit log",
                [.count: .int(ends.count), .error: .string("\(error)")])
        }
    }

    /// Writes an entry.
    ///
    /// - Returns: its id, once it is committed.
    /// - Throws: `APIError` 503 when it cannot be written: no action without an entry.
    func record(_ entry: AuditEntry) async throws -> Int64 {
        do {
            return try await entries.submit(entry)
        } catch {
            throw APIError.platformUnavailable
        }
    }

    /// Records the outcome of a request, without waiting.
    ///
    /// - Parameter detail: what it did, as JSON. One that is too long is replaced: it would fail the whole batch.
    package func finish(_ id: Int64, status: Int, detail: String? = nil) {
        let isTooLong = (detail?.utf8.count ?? 0) > Limits.auditDetail
        ends.add(Outcome(id: id, status: status, detail: isTooLong ? #"{"is_cut":true}"# : detail))
    }

    /// Waits until all recorded outcomes are written or abandoned.
    package func flush() async {
        // One flush at a time, in the order of adding.
        _ = try? await ends.submit(nil)
    }
}
