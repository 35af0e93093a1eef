import Contracts
import Foundation

/// A query for rows of the feed.
struct ActivityQuery: Sendable {
    var type: String?
    /// `true`: a person typed it; `false`: an agent sent it.
    var isFromPerson: Bool?
    var before: ActivityPosition?
    /// The lower bound; nil for none.
    var from: ActivityPosition?
    var limit: Int
    /// For viewers: without the bodies that are marked as private.
    var hidesPrivate = false

    /// Whether any number of rows that do not match may have to be read.
    var isFiltered: Bool { type != nil || isFromPerson != nil }
}

/// A position in the feed, between two rows.
struct ActivityPosition: Sendable, Hashable, Comparable {
    /// The id before all others.
    static let noRow = UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))

    /// Behind all rows.
    static let distantFuture = ActivityPosition(time: .distantFuture)

    var time: Date
    /// The row of this time that it is behind; nil for the position before all rows of this time.
    var id: UUID?

    init(time: Date, id: UUID? = nil) {
        self.time = time
        self.id = id
    }

    var rowID: UUID { id ?? Self.noRow }

    /// As Postgres compares `(created_at, id)`.
    static func < (one: ActivityPosition, other: ActivityPosition) -> Bool {
        if one.time != other.time { return one.time < other.time }
        return withUnsafeBytes(of: one.rowID.uuid) { one in
            withUnsafeBytes(of: other.rowID.uuid) { one.lexicographicallyPrecedes($0) }
        }
    }

    static func == (one: ActivityPosition, other: ActivityPosition) -> Bool {
        one.time == other.time && one.rowID == other.rowID
    }

    func hash(into hasher: inout Hasher) {
        hasher.combine(time)
        hasher.combine(rowID)
    }

    /// Parses a time, or what ``text`` wrote.
    ///
    /// - Returns: nil for anything else.
    init?(_ text: String) {
        let parts = text.split(separator: "_", maxSplits: 1, omittingEmptySubsequences: false)
        guard let time = RFC3339.parse(parts[0]) else { return nil }
        self.time = time
        guard parts.count == 2 else { return }
        guard let id = UUID(canonical: String(parts[1])) else { return nil }
        self.id = id
    }

    /// A row's time; with the row's id when a page ends between rows of the same time.
    var text: String { RFC3339.format(time) + (id.map { "_" + $0.lowercased } ?? "") }
}

/// A page of the feed.
struct ActivityPage: Sendable {
    /// A JSON array.
    var bytes: [UInt8]
    /// The position of the next page; `nil` when there are no more.
    var next: ActivityPosition?
}
