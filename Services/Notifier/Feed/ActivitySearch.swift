import Foundation
import JSONBytes
import PostgresClient

/// Finds rows of the feed by what stands in them.
///
/// It reads the feed, newest first, piece by piece, and looks for itself: what the database could compare is JSON's
/// spelling. There is no index, since one of all bodies makes each row fifty times as dear to write.
struct ActivitySearch: Sendable {
    /// A search that has gone on for this long ends with what it has found, and says where it stopped.
    static let timeLimit: Duration = .seconds(3)
    /// What is read at a time.
    private static let piece = (rows: 500, bytes: 2 << 20)

    let store: ActivityStore

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
        var query = ActivityQuery(before: before, limit: text == nil ? limit : Self.piece.rows)
        var scratch = SearchText.Scratch()
        var writer = JSONWriter(reservingCapacity: 4096)
        var count = 0
        writer.beginArray()
        func page(_ next: ActivityPosition?) -> ActivityPage {
            writer.endArray()
            return ActivityPage(bytes: writer.bytes, next: next)
        }
        while true {
            let (rows, next) = try await store.rows(workspace, query, bytes: Self.piece.bytes)
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
            guard let next, ContinuousClock.now < end else { return page(next) }
            query.before = next
        }
    }
}
