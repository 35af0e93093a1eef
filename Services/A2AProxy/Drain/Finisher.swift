import Batching
import Contracts
import EventLoop
import EventOutbox
import Foundation
import Observability
import PostgresClient

/// Writes how deliveries ended, many in one statement, and keeps at it while the database is away. What the database
/// refuses again and again is given up: the item is failed, since the next delivery would only end the same way.
package final class Finisher: Sendable {
    /// Bytes of answers in one statement.
    private static let batchBytes = 8 << 20
    private static let longestPause: Duration = .seconds(16)
    /// Refusals after which an outcome is given up; with the pauses between them about half a minute.
    private static let refusalLimit = 7
    /// What is said of an item whose outcome was given up.
    package static let lost = "the outcome could not be stored"

    private let store: QueueStore
    private let relay: EventRelay
    private let batcher: Batcher<FinishedItem, Bool>
    private let loops: EventLoopGroup
    private let logger: Logger
    private let pause: Duration

    /// - Parameter pause: before the second try; doubled with each refusal.
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
    /// - Parameter isWorthTrying: asked before each further try: whether the item's lease is still ours.
    /// - Returns: false when this was not written: the item's claim was not current any more, or it was given up.
    package func finish(_ item: FinishedItem, isWorthTrying: @Sendable () -> Bool) async -> Bool {
        var item = item
        var isAlone = false
        var refusals = 0
        repeat {
            do {
                guard isAlone else { return try await batcher.submit(item) }
                return try await Self.write([item], store, relay)[0]
            } catch let error as PostgresError where error.kind == .server && !error.isRetryable {
                // Something in the batch that the database does not take. An item that it does not take alone either, it
                // will take without the texts; its neighbours keep theirs.
                isAlone = true
                refusals += 1
                if refusals == 1 {
                    logger.warning("outcome refused", [.queueID: .uuid(item.id), .error: .error(error)])
                }
                if refusals == 2 { item.forgetTexts() }
                if refusals == Self.refusalLimit {
                    await giveUp(item, after: error)
                    return false
                }
            } catch {
                // Somebody holds rows of one item's target: the others of its batch are written without it.
                if let error = error as? PostgresError, error.isLockTimeout { isAlone = true }
                logger.warning("outcome not written yet", [.queueID: .uuid(item.id), .error: .error(error)])
            }
            try? await loops.any().sleep(for: min(pause * (1 << max(refusals - 1, 0)), Self.longestPause))
        } while isWorthTrying() && !Task.isCancelled
        return false
    }

    /// Fails the item with what follows from it, or, where that is refused, too, its row alone.
    private func giveUp(_ item: FinishedItem, after error: PostgresError) async {
        logger.error("outcome given up", [.queueID: .uuid(item.id), .error: .error(error)])
        for _ in 0..<Self.refusalLimit {
            do {
                _ = try await Self.write([item.failed(Self.lost)], store, relay)
                return
            } catch {
                // That rows are held, or the database is away, says nothing about this one.
                if error.kind == .server, !error.isRetryable { break }
                try? await loops.any().sleep(for: pause)
            }
        }
        do {
            try await store.park(Lease(item: item.id, claimNumber: item.claimNumber), reason: Self.lost)
        } catch {
            logger.error("queue item not failed", [.queueID: .uuid(item.id), .error: .error(error)])
        }
    }
}

extension FinishedItem {
    var weight: Int { (response?.byteCount ?? 0) + (delegation?.response?.utf8.count ?? 0) + 500 }

    fileprivate mutating func forgetTexts() {
        response = response == nil ? nil : StoredBody(Array("\"the answer could not be stored\"".utf8))
        delegation?.response = nil
        delegation?.preview = nil
    }

    /// The same delivery with this end.
    fileprivate func failed(_ reason: String) -> FinishedItem {
        var verdict = QueueVerdict(next: .failed, attempts: verdict.attempts, error: reason)
        verdict.isUncertain = true
        var failed = FinishedItem(id: id, workspace: workspace, claimNumber: claimNumber, verdict: verdict)
        failed.wasAnswered = wasAnswered
        failed.logged = LoggedAttempt(.failed)
        if delegation != nil {
            failed.delegation = DelegationChange()
            failed.delegation?.status = "failed"
            failed.delegation?.error = reason
        }
        return failed
    }
}
