import Contracts
import Crypto
import Foundation
import ServiceHost

/// The cursor of a bulk change: the last changed workspace, in the order of the changes.
package struct BulkCursor: Sendable, Hashable {
    package var action: BulkAction
    package var depth: Int
    package var at: Date
    package var id: UUID

    package init(_ action: BulkAction, after subject: BulkSubject) {
        self.action = action
        depth = subject.depth
        at = subject.createdAt
        id = subject.id
    }

    /// Reads what ``text`` wrote; nil for anything else, and for a cursor of another action.
    package init?(_ text: String, for action: BulkAction) {
        let parts = base64URLDecode(text).map { String(decoding: $0, as: UTF8.self).split(separator: ":") } ?? []
        guard parts.count == 3, parts[0] == action.rawValue, let depth = Int(parts[1]), (0...1000).contains(depth),
            let key = ListCursor(String(parts[2]))
        else { return nil }
        self.action = action
        self.depth = depth
        (at, id) = (key.at, key.id)
    }

    /// Opaque to clients.
    package var text: String {
        base64URLEncode(Array("\(action.rawValue):\(depth):\(ListCursor(at: at, id: id).text)".utf8))
    }
}
