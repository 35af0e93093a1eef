import Foundation
import JSONBytes
import Postgres

/// Full-text search in the feed.
///
/// It reads the feed, newest first, in chunks, and compares here: the database could only compare JSON's escaped
/// spelling. Blocks that the index excludes are skipped.
struct ActivitySearch: Sendable {
    /// After this time a search ends with what it has found, and a cursor to continue.
    static let timeLimit: Duration = .seconds(3)
    /// The limits of one read.
    private static let chunk = (rows: 500, bytes: 2 << 20)
    /// Unindexed rows read by one search that cause a request for an index.
    private static let indexThreshold = 2 * BlockStore.rows

    let store: FeedStore
    /// Builds a missing index; nil to build none.
    var indexer: FeedIndexer?

    /// A page of the rows that contain a text.
    ///
    /// - Parameters:
    ///   - text: nil for all rows.
    ///   - hidesPrivate: bodies that are marked as private are neither searched nor shown.
    ///   - timeLimit: when it is over, the page ends at the current position.
    func find(
        _ text: SearchText?, in workspace: UUID, before: ActivityPosition?, limit: Int,
        hidesPrivate: Bool = false, timeLimit: Duration = timeLimit
    ) async throws -> ActivityPage {
        let end = ContinuousClock.now + timeLimit
        var scratch = SearchText.Scratch()
        var writer = JSONWriter(reservingCapacity: 4096)
        var (count, unindexed) = (0, 0)
        writer.beginArray()
        func page(_ next: ActivityPosition?) -> ActivityPage {
            if unindexed > Self.indexThreshold { indexer?.request(workspace) }
            writer.endArray()
            return ActivityPage(bytes: writer.bytes, next: next)
        }
        let (blocks, hashes) = (BlockStore(postgres: store.postgres), text?.hashes ?? [])
        var position = before
        while true {
            let (ranges, isAll) = try await blocks.ranges(workspace, hashes: hashes, before: position)
            for range in ranges {
                var query = ActivityQuery(
                    before: range.upper, from: range.lower, limit: text == nil ? limit : Self.chunk.rows)
                repeat {
                    let (rows, next) = try await store.rows(workspace, query, bytes: Self.chunk.bytes)
                    if !range.isIndexed { unindexed += rows.count }
                    var last: ActivityPosition?
                    try rows.forEach { row in
                        if last != nil { return }
                        if let text, !FeedStore.contains(text, row, hidesPrivate: hidesPrivate, scratch: &scratch) {
                            return
                        }
                        FeedStore.write(row, hidesPrivate: hidesPrivate, to: &writer)
                        count += 1
                        if count == limit || writer.bytes.count >= FeedStore.pageBytes {
                            last = FeedStore.position(behind: row)
                        }
                    }
                    if let last { return page(last) }
                    query.before = next
                    // Behind the range's last row; rows of the next range may have the same time.
                    position = next.map { next in range.lower.map { max(next, $0) } ?? next } ?? range.lower
                    guard ContinuousClock.now < end else { return page(position) }
                } while query.before != nil
            }
            if isAll { return page(nil) }
        }
    }
}
