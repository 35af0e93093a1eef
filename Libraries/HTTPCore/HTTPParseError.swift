/// Why bytes on a connection are not an HTTP message that is accepted. The connection is of no use afterwards: where the
/// next message begins is unknown.
package struct HTTPParseError: Error, Sendable, Equatable {
    /// What is wrong, as far as the response to it differs.
    package enum Kind: Sendable, Equatable {
        /// The grammar or the framing is broken (400).
        case malformed
        /// The request line's target is longer than allowed (414).
        case targetTooLong
        /// The header block, trailers included, is larger or has more fields than allowed (431).
        case headTooLarge
        /// Not HTTP/1.0 or HTTP/1.1 (505).
        case unsupportedVersion
        /// A method that is not registered (501).
        case unknownMethod
        /// The peer closed in the middle of a message.
        case truncated
    }

    package let kind: Kind
    /// The parser's text, for logs only.
    package let detail: String

    package init(_ kind: Kind, _ detail: String) {
        self.kind = kind
        self.detail = detail
    }
}
