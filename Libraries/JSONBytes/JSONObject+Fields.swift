/// A member that is read by its type must stand once: of two, another reader might take the other one.
extension JSONObject {
    /// A string member: nil when absent or `null`.
    package func string(_ name: StaticString) throws(JSONFieldError) -> String? {
        try read(name, "a string") { decodedString($0, $1) }
    }

    /// A whole number that fits 64 bits: nil when absent or `null`.
    package func int(_ name: StaticString) throws(JSONFieldError) -> Int? {
        try read(name, "a whole number") { wholeNumber($0, $1) }
    }

    /// As ``int(_:)``, a number beyond 64 bits taken for the largest or smallest that fits.
    package func clampedInt(_ name: StaticString) throws(JSONFieldError) -> Int? {
        try read(name, "a whole number") { clampedWholeNumber($0, $1) }
    }

    /// A number, one that is too large (`1e999`) taken for the largest: nil when absent or `null`.
    package func clampedDouble(_ name: StaticString) throws(JSONFieldError) -> Double? {
        try read(name, "a number") { clampedNumber($0, $1) }
    }

    /// A boolean: nil when absent or `null`.
    package func bool(_ name: StaticString) throws(JSONFieldError) -> Bool? {
        try read(name, "true or false") { decodedBool($0, $1) }
    }

    /// An object: nil when absent or `null`.
    package func object(_ name: StaticString) throws(JSONFieldError) -> JSONObject? {
        try readSlice(name, "an object") { $0.object }
    }

    /// An array's elements: nil when absent or `null`.
    package func array(_ name: StaticString) throws(JSONFieldError) -> [JSONSlice]? {
        try readSlice(name, "an array") { $0.elements }
    }

    /// A string that must be there.
    package func requiredString(_ name: StaticString) throws(JSONFieldError) -> String {
        guard let value = try string(name) else {
            throw JSONFieldError(field: name.description, expected: "a string", isMissing: true)
        }
        return value
    }

    /// The bytes of any value as they were sent: nil when absent or `null`.
    package func raw(_ name: StaticString) -> ArraySlice<UInt8>? {
        guard let value = self[name], !value.isNull else { return nil }
        return value.bytes
    }

    /// As the subscript, for a member that must stand once.
    package func unique(_ name: StaticString) throws(JSONFieldError) -> JSONSlice? {
        let place = document.withUnsafeBufferPointer { locateOnly(name, $0) }
        if place.isRepeated { throw JSONFieldError(repeated: name) }
        return place.range.map { JSONSlice(document: document, range: $0) }
    }

    /// Reads straight from the bytes: a slice would cost counting references.
    @inline(__always)
    private func read<T>(
        _ name: StaticString, _ expected: String, _ decode: (UnsafeBufferPointer<UInt8>, Range<Int>) -> T?
    ) throws(JSONFieldError) -> T? {
        var isWrong = false
        var isRepeated = false
        let value: T? = document.withUnsafeBufferPointer { buffer in
            let place = locateOnly(name, buffer)
            isRepeated = place.isRepeated
            guard let range = place.range, buffer[range.lowerBound] != UInt8(ascii: "n") else { return nil }
            let value = decode(buffer, range)
            isWrong = value == nil
            return value
        }
        if isRepeated { throw JSONFieldError(repeated: name) }
        if isWrong { throw JSONFieldError(field: name.description, expected: expected) }
        return value
    }

    private func readSlice<T>(
        _ name: StaticString, _ expected: String, _ decode: (JSONSlice) -> T?
    ) throws(JSONFieldError) -> T? {
        guard let value = try unique(name), !value.isNull else { return nil }
        guard let decoded = decode(value) else { throw JSONFieldError(field: name.description, expected: expected) }
        return decoded
    }
}
