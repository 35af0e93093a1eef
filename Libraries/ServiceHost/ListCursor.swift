import Contracts
import Crypto
import Foundation
import UVHTTPServer

/// The start of a page of a list: after the row with this key. Its text is opaque to clients.
package struct ListCursor: Sendable, Hashable {
    package var at: Date
    package var id: UUID

    /// Microseconds since 1970, up to the last second of the year 9999: that far from 1970 a `Date` is exact to 30 of
    /// them, and the end of that second would round to the year 10000.
    private static let times = 0...253_402_300_799_000_000

    package init(at: Date, id: UUID) {
        self.at = at
        self.id = id
    }

    /// Reads what ``text`` wrote; nil for anything else.
    package init?(_ text: String) {
        let parts = base64URLDecode(text).map { String(decoding: $0, as: UTF8.self).split(separator: ":") } ?? []
        guard parts.count == 2, let microseconds = Int(parts[0]), Self.times.contains(microseconds),
            let id = UUID(canonical: String(parts[1]))
        else { return nil }
        self.init(at: Date(timeIntervalSince1970: Double(microseconds) / 1_000_000), id: id)
    }

    package var text: String {
        let microseconds = Int((at.timeIntervalSince1970 * 1_000_000).rounded())
        return base64URLEncode(Array("\(microseconds):\(id.lowercased)".utf8))
    }
}

/// The query parameters that lists have in common. An empty one counts as absent.
extension Request {
    package func present(_ name: String) -> String? {
        query(name).flatMap { $0.allSatisfy(\.isWhitespace) ? nil : $0 }
    }

    /// `?limit=`: rows of a page.
    ///
    /// - Throws: `APIError` 400 naming the parameter.
    package func pageLimit(default standard: Int, upTo maximum: Int) throws(APIError) -> Int {
        guard let text = present("limit") else { return standard }
        guard let limit = Int(text), (1...maximum).contains(limit) else {
            throw .invalidBody(field: "limit", reason: "must be a number from 1 to \(maximum)")
        }
        return limit
    }

    /// `?cursor=`, as `next_cursor` gave it.
    ///
    /// - Parameter read: parses the cursor; nil for any other text.
    /// - Throws: `APIError` 400 naming the parameter.
    package func pageCursor<Cursor>(_ read: (String) -> Cursor?) throws(APIError) -> Cursor? {
        guard let text = present("cursor") else { return nil }
        guard let cursor = read(text) else {
            throw .invalidBody(field: "cursor", reason: "is not one that next_cursor gave")
        }
        return cursor
    }

    /// A list of words in one parameter, separated by commas.
    ///
    /// - Returns: nil when it is absent.
    /// - Throws: `APIError` 400 naming the parameter and the allowed words.
    package func words<Word: RawRepresentable & CaseIterable>(
        _ name: String, of type: Word.Type
    ) throws(APIError) -> [Word]? where Word.RawValue == String {
        guard let text = present(name) else { return nil }
        return try Self.words(name, text.split(separator: ",", omittingEmptySubsequences: false).map(String.init))
    }

    /// - Throws: `APIError` 400 naming the field and the allowed words.
    package static func words<Word: RawRepresentable & CaseIterable>(
        _ name: String, _ texts: [String]
    ) throws(APIError) -> [Word] where Word.RawValue == String {
        var words: [Word] = []
        for text in texts {
            guard let word = Word(rawValue: text) else {
                let known = Word.allCases.map(\.rawValue).joined(separator: ", ")
                throw .invalidBody(field: name, reason: "must be of: \(known)")
            }
            words.append(word)
        }
        return words
    }
}
