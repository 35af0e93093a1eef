import Foundation
import JSONBytes
import PostgresClient

/// Finds rows of the feed by what stands in them.
///
/// It reads the feed, newest first, piece by piece, and looks for itself: what the database could compare is JSON's
/// spelling. Pieces of which the index says that they do not have it are passed over.
struct ActivitySearch: Sendable {
    /// A search that has gone on for this long ends with what it has found, and says where it stopped.
    static let timeLimit: Duration = .seconds(3)
    /// What is read at a time.
    private static let piece = (rows: 500, bytes: 2 << 20)
    /// Rows without an index that are read until one is asked for.
    private static let patience = 2 * BlockStore.rows

    let store: ActivityStore
    /// Makes the index where there is none yet; nil for who wants none.
    var indexer: FeedIndexer?

    /// A page of the rows in which a text stands.
    ///
    /// - Parameters:
    ///   - text: nil for all rows.
    ///   - hidesPrivate: bodies that are marked as private are neither searched nor shown.
    ///   - timeLimit: after it, the page ends where the search has come.
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
            if unindexed > Self.patience { indexer?.request(workspace) }
            writer.endArray()
            return ActivityPage(bytes: writer.bytes, next: next)
        }
        let (blocks, hashes) = (BlockStore(postgres: store.postgres), text?.hashes ?? [])
        var position = before
        while true {
            let (ranges, isAll) = try await blocks.ranges(workspace, hashes: hashes, before: position)
            for range in ranges {
                var query = ActivityQuery(
                    before: range.upper, from: range.lower, limit: text == nil ? limit : Self.piece.rows)
                repeat {
                    let (rows, next) = try await store.rows(workspace, query, bytes: Self.piece.bytes)
                    if !range.isIndexed { unindexed += rows.count }
                    var last: ActivityPosition?
                    try rows.forEach { row in
                        if last != nil { return }
                        if let text, !ActivityStore.contains(text, row, hidesPrivate: hidesPrivate, scratch: &scratch) {
                            return
                        }
                        ActivityStore.write(row, hidesPrivate: hidesPrivate, to: &writer)
                        count += 1
                        if count == limit || writer.bytes.count >= ActivityStore.pageBytes {
                            last = ActivityStore.position(behind: row)
                        }
                    }
                    if let last { return page(last) }
                    query.before = next
                    // Behind the range's last row, whose time rows of the next range may have as well.
                    position = next.map { next in range.lower.map { max(next, $0) } ?? next } ?? range.lower
                    guard ContinuousClock.now < end else { return page(position) }
                } while query.before != nil
            }
            if isAll { return page(nil) }
        }
    }
}
