/// The text form of one-dimensional arrays: `{a,"b c",NULL}`.
enum ArrayText {
    private static let quote = UInt8(ascii: "\"")
    private static let backslash = UInt8(ascii: "\\")

    /// Writes the braces and commas around the elements. Inlined, so that `element` costs no call.
    @inline(__always)
    static func write<Value>(
        _ values: [Value], to text: inout [UInt8], element: (Value, inout [UInt8]) -> Void
    ) {
        text.append(UInt8(ascii: "{"))
        var isFirst = true
        for value in values {
            if !isFirst { text.append(UInt8(ascii: ",")) }
            isFirst = false
            element(value, &text)
        }
        text.append(UInt8(ascii: "}"))
    }

    static func writeNull(to text: inout [UInt8]) { text.append(contentsOf: "NULL".utf8) }

    static func writeQuoted(_ element: String, to text: inout [UInt8]) {
        if element.utf8.withContiguousStorageIfAvailable({ writeQuoted($0, to: &text) }) != nil { return }
        Array(element.utf8).withUnsafeBufferPointer { writeQuoted($0, to: &text) }
    }

    static func writeQuoted(_ element: UnsafeBufferPointer<UInt8>, to text: inout [UInt8]) {
        text.append(quote)
        var start = 0
        for position in 0..<element.count where element[position] == quote || element[position] == backslash {
            text.append(contentsOf: UnsafeBufferPointer(rebasing: element[start..<position]))
            text.append(backslash)
            start = position
        }
        text.append(contentsOf: UnsafeBufferPointer(rebasing: element[start...]))
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
