import Batching
import EventLoop
import EventOutbox
import Foundation
import Observability
import PostgresClient

/// Writes how deliveries ended, many in one statement, and keeps at it while the database is away.
package final class Finisher: Sendable {
    /// Bytes of answers in one statement.
    private static let batchBytes = 8 << 20
    private static let pause: Duration = .milliseconds(500)

    private let store: QueueStore
    private let relay: EventRelay
    private let batcher: Batcher<FinishedItem, Bool>
    private let loops: EventLoopGroup
    private let logger: Logger

    package init(store: QueueStore, relay: EventRelay, loops: EventLoopGroup, logger: Logger) {
        self.store = store
        self.relay = relay
        self.loops = loops
        self.logger = logger
        let pacing = BatchPacing(executor: { loops.any() }, overlapsOnlyWhenFull: true)
        batcher = Batcher(limit: 200, concurrency: 2, pacing: pacing) { items in
            var accepted: [Bool] = []
            for slice in items.sliced(by: \.weight, upTo: Self.batchBytes) {
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
    /// - Returns: false when the item's claim was not current any more, and nothing was written.
    package func finish(_ item: FinishedItem, isWorthTrying: @Sendable () -> Bool) async -> Bool {
        var item = item
        var isAlone = false
        repeat {
            do {
                guard isAlone else { return try await batcher.submit(item) }
                return try await Self.write([item], store, relay)[0]
            } catch let error as PostgresError where error.kind == .server && !error.isRetryable {
                // Something in the batch that the database does not take. An item that it does not take alone either, it
                // will take without the texts; its neighbours keep theirs.
                logger.error("outcome not written", [.queueID: .uuid(item.id), .error: .error(error)])
                if isAlone { item.forgetTexts() }
                isAlone = true
            } catch {
                // Somebody holds rows of one item's target: the others of its batch are written without it.
                if let error = error as? PostgresError, error.isLockTimeout { isAlone = true }
                logger.warning("outcome not written yet", [.queueID: .uuid(item.id), .error: .error(error)])
            }
            try? await loops.any().sleep(for: Self.pause)
        } while isWorthTrying() && !Task.isCancelled
        return false
    }
}

extension FinishedItem {
    var weight: Int { (response?.byteCount ?? 0) + (delegation?.response?.utf8.count ?? 0) + 500 }

    fileprivate mutating func forgetTexts() {
        response = response == nil ? nil : StoredBody(Array("\"the answer could not be stored\"".utf8))
        delegation?.response = nil
        delegation?.preview = nil
    }
}
