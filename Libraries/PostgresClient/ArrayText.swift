/// The text form of one-dimensional arrays: `{a,"b c",NULL}`.
enum ArrayText {
    private static let quote = UInt8(ascii: "\"")
    private static let backslash = UInt8(ascii: "\\")

    static func writeQuoted(_ element: [UInt8], to text: inout [UInt8]) {
        text.append(quote)
        for byte in element {
            if byte == quote || byte == backslash { text.append(backslash) }
            text.append(byte)
        }
        text.append(quote)
    }

    /// The elements of an array, nil for NULL; nil when this is not the text of a one-dimensional array.
    static func elements(_ text: UnsafeBufferPointer<UInt8>) -> [[UInt8]?]? {
        guard text.count >= 2, text[0] == UInt8(ascii: "{"), text[text.count - 1] == UInt8(ascii: "}") else {
            return nil
        }
        var found: [[UInt8]?] = []
        var position = 1
        let end = text.count - 1
        while position < end {
            var element: [UInt8] = []
            let isQuoted = text[position] == quote
            if isQuoted { position += 1 }
            while position < end, text[position] != (isQuoted ? quote : UInt8(ascii: ",")) {
                if text[position] == backslash { position += 1 }
                guard position < end, isQuoted || text[position] != UInt8(ascii: "{") else { return nil }
                element.append(text[position])
                position += 1
            }
            found.append(!isQuoted && element == Array("NULL".utf8) ? nil : element)
            position += isQuoted ? 2 : 1
        }
        return found
    }
}
