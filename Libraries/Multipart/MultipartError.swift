/// Why bytes are no `multipart/form-data` that is taken.
package enum MultipartError: Error, Sendable, Hashable {
    /// They do not follow the grammar; what is wrong, for whoever sent them.
    case malformed(String)
    /// The body ended before its final boundary.
    case unfinished
    /// More fields than allowed.
    case tooManyParts(limit: Int)
    /// The header fields of a part are longer than allowed, or there are too many.
    case headersTooLarge
    /// What stands before the first boundary is longer than allowed.
    case preambleTooLarge
}

/// What a parser takes.
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
