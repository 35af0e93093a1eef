import JSONBytes

/// Documents that are checked, looked into, changed, and written again.
enum JSONDocuments {
    static func judge(_ input: [UInt8]) throws {
        let slice = try? JSONSlice(validating: input)
        try require((slice != nil) == isValid(input), "the scanner and the slice disagree")
        guard let slice else { return }
        try require(String(validating: input, as: UTF8.self) != nil, "accepted, and no UTF-8")
        try isWrittenAndReadAgain(slice)
        try isCutShort(slice)
        if slice.object != nil { try isChanged(slice) }
        try staysAText(input)
    }

    private static func isValid(_ bytes: [UInt8]) -> Bool { (try? JSONScanner.validate(bytes)) != nil }

    private static func isWrittenAndReadAgain(_ slice: JSONSlice) throws {
        let value = JSONValue(slice)
        let written = value.encoded
        let again = try require(try? JSONValue(decoding: written), "written, and not read again")
        try require(again == value, "\(value) became \(again)")
        try require(again.encoded == written, "equal values have different bytes")
        // A part is a document too.
        try require(isValid(Array(slice.bytes)), "a value's bytes are no document")
        for element in slice.elements ?? [] {
            try require(isValid(Array(element.bytes)), "an element's bytes are no document")
        }
    }

    /// Of what has an end of its own nothing may be missing.
    private static func isCutShort(_ slice: JSONSlice) throws {
        guard [.object, .array, .string].contains(slice.kind) else { return }
        for end in [slice.range.upperBound - 1, slice.range.lowerBound + slice.range.count / 2] {
            try require(!isValid(Array(slice.document[..<end])), "valid without its end")
        }
    }

    /// A member that is set says what it was set to, and the others what they said.
    private static func isChanged(_ slice: JSONSlice) throws {
        let before = JSONValue(slice).object ?? [:]
        let changed = try require(slice.setting(["id"], toString: "\u{1F600}\n\""), "an object's member is not set")
        let after = try require(try? JSONSlice(validating: changed), "no document any more")
        try require(after.find("id")?.string == "\u{1F600}\n\"", "set to something else")
        var expected = before
        expected["id"] = "\u{1F600}\n\""
        try require(JSONValue(after) == .object(expected), "another member was changed")
        if before["params"]?.object != nil {
            let nested = try require(slice.setting(["params", "id"], to: "7".utf8), "a nested member is not set")
            let value = try require(try? JSONSlice(validating: nested), "no document any more")
            try require(value.find("params", "id")?.int == 7, "set to something else")
        }
    }

    /// Any text can be a string.
    private static func staysAText(_ input: [UInt8]) throws {
        let text = String(decoding: input, as: UTF8.self)
        var writer = JSONWriter()
        writer.string(text)
        let slice = try require(try? JSONSlice(validating: writer.bytes), "a written string is no document")
        try require(slice.string?.utf8.elementsEqual(text.utf8) == true, "a string became another")
    }
}
