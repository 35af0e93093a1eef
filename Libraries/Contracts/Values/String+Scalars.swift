import Foundation

extension String {
    /// Whether its UTF-8 form contains a byte. Much quicker than `utf8.contains`, for checks of every text.
    package func contains(byte: UInt8) -> Bool {
        utf8.withContiguousStorageIfAvailable { text in
            text.baseAddress.map { memchr($0, Int32(byte), text.count) != nil } ?? false
        } ?? utf8.contains(byte)
    }

    /// Whether it has more Unicode scalars than `count`: a bound on memory, which a number of characters is not, since
    /// one character may have any number of them.
    package func isLonger(than count: Int) -> Bool {
        // A scalar has at least one byte and at most four.
        utf8.count > count && (utf8.count > 4 * count || unicodeScalars.count > count)
    }

    /// The first `count` characters, with `mark` appended when something was cut. Cuts between characters, but for
    /// one with very many marks on it: there are at most eight scalars a character.
    package func shortened(to count: Int, mark: String = "") -> String {
        let bound = bounded(to: 8 * count)
        let end = bound.index(bound.startIndex, offsetBy: count, limitedBy: bound.endIndex) ?? bound.endIndex
        return end == bound.endIndex && bound.utf8.count == utf8.count ? self : bound[..<end] + mark
    }

    /// The first `count` Unicode scalars.
    package func bounded(to count: Int) -> String {
        guard utf8.count > count,
            let end = unicodeScalars.index(startIndex, offsetBy: count, limitedBy: endIndex), end < endIndex
        else { return self }
        return String(unicodeScalars[..<end])
    }

    /// Without carriage returns. By scalars: one before a line feed is part of that character.
    package var withoutCarriageReturns: String {
        guard contains(byte: 0x0D) else { return self }
        return String(String.UnicodeScalarView(unicodeScalars.filter { $0 != "\r" }))
    }
}
