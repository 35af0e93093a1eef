import Contracts
import Foundation
import JSONBytes
import UVHTTPServer

/// Checks that the filters of bulk changes have in common.
package enum ChangeFilter {
    /// Checks that a filter has no unknown member: it would be ignored, and more would be changed than was meant.
    ///
    /// - Throws: `APIError` 400 naming the member.
    package static func check(_ object: JSONObject, has known: [String]) throws(APIError) {
        if let unknown = object.members.first(where: { !known.contains($0.name) }) {
            throw .invalidBody(field: "filter.\(unknown.name)", reason: "is not a member of the filter")
        }
        // A script's variable that is not set: the filter was meant to be narrower.
        if let null = object.members.first(where: { $0.value.isNull }) {
            throw .invalidBody(field: "filter.\(null.name)", reason: "must not be null")
        }
    }

    /// - Throws: `APIError` 400 naming the member.
    package static func check(_ name: String, _ text: String?, upTo limit: Int) throws(APIError) {
        try APIError.check(name, text, upTo: limit)
        if text?.allSatisfy(\.isWhitespace) == true { throw .invalidBody(field: name, reason: "must not be blank") }
        if text?.utf8.contains(0) == true { throw .invalidBody(field: name, reason: "must have no NUL") }
    }

    /// - Throws: `APIError` 400 naming the member.
    package static func id(_ name: String, _ text: String?) throws(APIError) -> UUID? {
        guard let text else { return nil }
        guard let id = UUID(canonical: text) else { throw .invalidBody(field: name, reason: "must be a UUID") }
        return id
    }
}
