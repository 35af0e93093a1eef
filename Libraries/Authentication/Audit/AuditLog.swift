import Batching
import Contracts
import EventLoop
import HTTPServer
import Observability
import PostgresClient
import ServiceLifecycle

/// What operators do: written before it is done, and how it ended afterwards. Where a process ends in between, the entry
/// stays without an end, which says just that.
package final class AuditLog: Sendable {
    /// How a request was answered.
    struct End: Sendable {
        let id: Int64
        let status: Int
        let detail: String?
    }

    /// How often the ends of requests are tried to be written: through an outage of about half a minute.
    private static let attempts = 10

    private let entries: Batcher<AuditEntry, Int64>
    /// Nil marks a place in the order.
    private let ends: Batcher<End?, Void>

    /// - Parameter service: whose requests they are.
    package init(postgres: PostgresPool, service: String, loops: EventLoopGroup, logger: Logger) {
        let store = AuditStore(postgres: postgres, service: service)
        let pacing = BatchPacing(executor: { loops.any() })
        let unwritten = RepeatedWarning("operators are refused: the audit log cannot be written", logger)
        entries = Batcher(limit: 200, capacity: 10_000, pacing: pacing) { entries in
            do {
                return try await store.add(entries)
            } catch {
                unwritten.note([.count: .int(entries.count), .error: .string("\(error)")])
                throw error
            }
        }
        ends = Batcher(limit: 500, pacing: pacing) { ends in
            let known = ends.compactMap { $0 }
            if !known.isEmpty { await Self.write(known, store, loops.any(), logger) }
            return ends.map { _ in }
        }
    }

    private static func write(_ ends: [End], _ store: AuditStore, _ loop: EventLoop, _ logger: Logger) async {
        var backoff = Backoff(initial: .milliseconds(100), maximum: .seconds(5))
        for _ in 1..<attempts {
            if (try? await store.finish(ends)) != nil { return }
            try? await loop.sleep(for: backoff.next())
        }
        do {
            try await store.finish(ends)
        } catch {
            logger.warning(
                "how operators' requests ended is not in the audit log",
                [.count: .int(ends.count), .error: .string("\(error)")])
        }
    }

    /// Writes an entry.
    ///
    /// - Returns: its id, once it is committed.
    /// - Throws: `APIError` 503: nothing is done of which nobody could tell afterwards.
    func record(_ entry: AuditEntry) async throws -> Int64 {
        do {
            return try await entries.submit(entry)
        } catch {
            throw APIError.platformUnavailable
        }
    }

    /// Notes how a request was answered, without waiting.
    ///
    /// - Parameter detail: what it did, as JSON. More than there is room for would keep what is written with it out.
    package func finish(_ id: Int64, status: Int, detail: String? = nil) {
        let isTooLong = (detail?.utf8.count ?? 0) > Limits.auditDetail
        ends.add(End(id: id, status: status, detail: isTooLong ? #"{"is_cut":true}"# : detail))
    }

    /// Waits until all that was noted is written, or given up.
    package func flush() async {
        // One flush at a time, in the order of adding.
        _ = try? await ends.submit(nil)
    }
}
