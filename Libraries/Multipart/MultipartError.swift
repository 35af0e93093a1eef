/// Why a `multipart/form-data` body is rejected.
package enum MultipartError: Error, Sendable, Hashable {
    /// It does not follow the grammar; the reason may be shown to the sender.
    case malformed(String)
    /// The body ended before its final boundary.
    case unfinished
    /// More fields than allowed.
    case tooManyParts(limit: Int)
    /// The header fields of a part are longer than allowed, or there are too many.
    case headersTooLarge
    /// The preamble before the first boundary is longer than allowed.
    case preambleTooLarge
}

/// The limits of a parser.
package struct MultipartLimits: Sendable {
    /// Parts, whatever their names.
    package var parts = 100
    /// Bytes of the header fields of one part.
    package var headerBytes = 8 * 1024
    /// Header fields of one part.
    package var headerFields = 16
    /// Bytes before the first boundary.
    package var preambleBytes = 1024

    package init() {}
}
