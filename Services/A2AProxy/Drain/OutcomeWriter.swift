import Batching
import Concurrency
import Contracts
import EventOutbox
import Foundation
import Observability
import Postgres
import UVLoop

/// Writes the outcomes of deliveries in batches, with retries while the database is unavailable. An outcome that the
/// database rejects repeatedly is given up: the item is failed, since the next delivery would end the same way.
package final class OutcomeWriter: Sendable {
    /// Bytes of responses in one statement.
    private static let batchBytes = 8 << 20
    private static let longestPause: Duration = .seconds(16)
    /// Rejections after which an outcome is given up; with the back-off between them about half a minute.
    private static let rejectionLimit = 7
    /// The error text of an item whose outcome was given up.
    package static let lost = "the outcome could not be stored"

    private let store: QueueStore
    private let relay: EventRelay
    private let batcher: Batcher<FinishedItem, Bool>
    private let loops: EventLoopGroup
    private let logger: Logger
    private let pause: Duration

    /// - Parameter pause: before the second attempt; doubled with each rejection.
    package init(
        store: QueueStore, relay: EventRelay, loops: EventLoopGroup, logger: Logger,
        pause: Duration = .milliseconds(500)
    ) {
        self.pause = pause
        self.store = store
        self.relay = relay
        self.loops = loops
        self.logger = logger
        let pacing = BatchPacing(executor: { loops.any() }, overlapsOnlyWhenFull: true)
        batcher = Batcher(limit: 200, concurrency: 2, pacing: pacing) { items in
            var accepted: [Bool] = []
            for slice in items.sliced(by: { $0.weight }, upTo: Self.batchBytes) {
                accepted += try await Self.write(Array(slice), store, relay)
            }
            return accepted
        }
    }

    private static func write(
        _ items: [FinishedItem], _ store: QueueStore, _ relay: EventRelay
    ) async throws(PostgresError) -> [Bool] {
        let finished = try await store.finish(items)
        relay.committed(finished.events)
        return finished.accepted
    }

    /// Returns after the commit.
    ///
    /// - Parameter isWorthTrying: called before each retry: whether this instance still holds the item's lease.
    /// - Returns: false when this was not written: the item's claim was not current any more, or it was given up.
    package func finish(_ item: FinishedItem, isWorthTrying: @Sendable () -> Bool) async -> Bool {
        var item = item
        var isAlone = false
        var rejections = 0
        repeat {
            do {
                guard isAlone else { return try await batcher.submit(item) }
                return try await Self.write([item], store, relay)[0]
            } catch let error as PostgresError where error.kind == .server && !error.isRetryable {
                // The database rejects something in the batch. An item that is rejected alone, too, is written without
                // its texts; the others of the batch keep theirs.
                isAlone = true
                rejections += 1
                if rejections == 1 {
                    logger.warning("outcome rejected", [.queueID: .uuid(item.id), .error: .error(error)])
                }
                if rejections == 2 { item.dropTexts() }
                if rejections == Self.rejectionLimit {
                    await giveUp(item, after: error)
                    return false
                }
            } catch {
                // The rows of one item's target are locked: the others of its batch are written without it.
                if let error = error as? PostgresError, error.isLockTimeout { isAlone = true }
                logger.warning("outcome not written yet", [.queueID: .uuid(item.id), .error: .error(error)])
            }
            let backoff = Backoff(initial: pause, maximum: Self.longestPause, jitter: 0)
            try? await loops.any().sleep(for: backoff.delay(attempt: rejections - 1, unit: 0))
        } while isWorthTrying() && !Task.isCancelled
        return false
    }

    /// Fails the item and its delegation, or, if that is rejected, too, its row alone.
    private func giveUp(_ item: FinishedItem, after error: PostgresError) async {
        logger.error("outcome given up", [.queueID: .uuid(item.id), .error: .error(error)])
        for _ in 0..<Self.rejectionLimit {
            do {
                _ = try await Self.write([item.failed(Self.lost)], store, relay)
                return
            } catch {
                // Locked rows, or an unavailable database, are no fault of this item.
                if error.kind == .server, !error.isRetryable { break }
                try? await loops.any().sleep(for: pause)
            }
        }
        do {
            try await store.park(ItemLease(item: item.id, claimNumber: item.claimNumber), reason: Self.lost)
        } catch {
            logger.error("queue item not failed", [.queueID: .uuid(item.id), .error: .error(error)])
        }
    }
}

extension FinishedItem {
    var weight: Int { (response?.byteCount ?? 0) + (delegation?.response?.utf8.count ?? 0) + 500 }

    fileprivate mutating func dropTexts() {
        response = response == nil ? nil : StoredBody(Array("\"the response could not be stored\"".utf8))
        delegation?.response = nil
        delegation?.preview = nil
    }

    /// The same delivery as failed for `reason`.
    fileprivate func failed(_ reason: String) -> FinishedItem {
        var verdict = DeliveryDecision(next: .failed, attempts: verdict.attempts, error: reason)
        verdict.isUncertain = true
        var failed = FinishedItem(id: id, workspace: workspace, claimNumber: claimNumber, verdict: verdict)
        failed.hasResponse = hasResponse
        failed.logged = LoggedAttempt(.failed)
        if delegation != nil {
            failed.delegation = DelegationChange()
            failed.delegation?.status = "failed"
            failed.delegation?.error = reason
        }
        return failed
    }
}
