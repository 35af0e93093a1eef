import AgentResponses
import Postgres

/// An agent's response as rows keep it: as text, and where a text column cannot hold it (a NUL, or no UTF-8) in its
/// very bytes beside that, which are NULL for nearly all.
package struct StoredBody: Sendable, Hashable {
    /// With U+FFFD for what a text column cannot hold.
    package let text: String
    /// Where ``text`` is not all of it.
    package let exact: Bytea?

    package init(_ bytes: [UInt8]) {
        if !bytes.contains(0), let text = String(validating: bytes, as: UTF8.self) {
            (self.text, exact) = (text, nil)
        } else {
            (text, exact) = (String(decoding: bytes, as: UTF8.self).withoutNUL, Bytea(bytes))
        }
    }

    /// What the two columns take.
    package var byteCount: Int { text.utf8.count + (exact?.bytes.count ?? 0) }

    /// - Parameters:
    ///   - row: has the text at `column`, and the bytes at `exactColumn`.
    /// - Returns: the bytes that came from the agent, nil when nothing is stored.
    static func bytes(_ row: PostgresRow, _ column: Int, exactly exactColumn: Int) -> [UInt8]? {
        row.optionalBytea(exactColumn) ?? row.optionalBytes(column)
    }
}
