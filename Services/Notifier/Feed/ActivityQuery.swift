import Contracts
import Foundation

/// Which rows of the feed a list asks for.
struct ActivityQuery: Sendable {
    var type: String?
    /// `true`: a person typed it; `false`: an agent sent it.
    var isFromPerson: Bool?
    var before: ActivityPosition?
    /// The first row that belongs to it; nil for all there are.
    var from: ActivityPosition?
    var limit: Int
    /// For who only looks on: without the bodies that are marked as private.
    var hidesPrivate = false

    /// Rows that do not match may have to be read to find those that do, however many there are.
    var isFiltered: Bool { type != nil || isFromPerson != nil }
}

/// A place in the feed, between two rows.
struct ActivityPosition: Sendable, Hashable, Comparable {
    /// The id before all others.
    static let noRow = UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))

    /// Behind all rows.
    static let distantFuture = ActivityPosition(time: .distantFuture)

    var time: Date
    /// The row of this time that the place is behind; nil before all rows of this time.
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

    /// Reads a time, or what ``text`` gave.
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

    /// A time as rows have it; with a row's id where a page ends between rows of one time.
    var text: String { RFC3339.format(time) + (id.map { "_" + $0.lowercased } ?? "") }
}

/// A part of the feed.
struct ActivityPage: Sendable {
    /// A JSON array.
    var bytes: [UInt8]
    /// What to ask for next; `nil` when there are no more.
    var next: ActivityPosition?
}
