import Batching
import EventOutbox
import Foundation
import Observability
import PostgresClient

/// Stores messages for busy targets, many in one commit.
package struct Enqueuer: Sendable {
    /// Bytes of bodies in one statement.
    private static let batchBytes = 4 << 20

    private let batcher: Batcher<NewItem, Enqueued?>
    private let metrics: ProxyMetrics

    package init(store: QueueStore, relay: EventRelay, metrics: ProxyMetrics) {
        self.metrics = metrics
        batcher = Batcher(limit: 200, concurrency: 2, capacity: 20_000) { items in
            var enqueued: [Enqueued?] = []
            for slice in items.sliced(by: \.body.utf8.count, upTo: Self.batchBytes) {
                enqueued += try await store.enqueue(Array(slice))
            }
            relay.committed(enqueued.compactMap { $0?.event })
            return enqueued
        }
    }

    /// Returns after the commit.
    ///
    /// - Throws: when the message could not be stored.
    package func enqueue(_ item: NewItem) async throws -> Enqueued {
        for _ in 0..<5 {
            // Nil: a twin was met that ended in that moment; now there is room for this one.
            guard let enqueued = try await batcher.submit(item) else { continue }
            if enqueued.event != nil { metrics.queued.increment() }
            return enqueued
        }
        throw BatcherError.full
    }
}

extension Array {
    /// The array in pieces whose weights stay below a limit; a piece has one element at least.
    func sliced(by weight: (Element) -> Int, upTo limit: Int) -> [ArraySlice<Element>] {
        var slices: [ArraySlice<Element>] = []
        var start = 0
        var total = 0
        for (index, element) in enumerated() {
            let added = weight(element)
            if total + added > limit, index > start {
                slices.append(self[start..<index])
                start = index
                total = 0
            }
            total += added
        }
        if start < count { slices.append(self[start...]) }
        return slices
    }
}
