import Foundation

/// Writes an `Encodable` straight to bytes, in the order in which it encodes its members.
///
/// Foundation's encoder writes UUIDs in capitals, cannot splice JSON that is already there and builds a tree first.
/// A value's scope is opened by the container it asks for and closed when its `encode(to:)` has returned; a container
/// asked for twice is the same object, which is how one struct lays another's members into its own.
struct WireEncoder: Encoder {
    let output: JSONOutput
    /// How many scopes are open around the value being encoded.
    let depth: Int

    var codingPath: [any CodingKey] { [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        if output.depth == depth { output.openObject() }
        return KeyedEncodingContainer(KeyedContainer<Key>(output: output, depth: depth + 1))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        if output.depth == depth { output.openArray() }
        return UnkeyedContainer(output: output, depth: depth + 1)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer {
        SingleValueContainer(output: output, depth: depth)
    }
}

extension JSONOutput {
    /// Writes one value where a value may stand.
    func value<T: Encodable>(_ value: T, depth: Int) throws {
        if let uuid = value as? UUID, T.self == UUID.self { return self.uuid(uuid) }
        if let date = value as? Date, T.self == Date.self { return string(RFC3339.format(date)) }
        if let json = value as? RawJSON, T.self == RawJSON.self { return raw(json.bytes) }
        if let text = value as? String, T.self == String.self { return string(text) }
        let start = bytes.count
        try value.encode(to: WireEncoder(output: self, depth: depth))
        if bytes.count == start { literal("{}") }
        close(to: depth)
    }

    func finite(_ value: Double) throws {
        guard number(value) else {
            throw EncodingError.invalidValue(value, .init(codingPath: [], debugDescription: "not a finite number"))
        }
    }
}

private struct KeyedContainer<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let output: JSONOutput
    let depth: Int
    var codingPath: [any CodingKey] { [] }

    private func key(_ key: Key) -> JSONOutput {
        output.close(to: depth)
        output.key(key.stringValue)
        return output
    }

    mutating func encodeNil(forKey key: Key) { self.key(key).literal("null") }
    mutating func encode(_ value: Bool, forKey key: Key) { self.key(key).literal(value ? "true" : "false") }
    mutating func encode(_ value: String, forKey key: Key) { self.key(key).string(value) }
    mutating func encode(_ value: Double, forKey key: Key) throws { try self.key(key).finite(value) }
    mutating func encode(_ value: Int, forKey key: Key) { self.key(key).integer(value) }
    mutating func encode(_ value: Int64, forKey key: Key) { self.key(key).integer(value) }
    mutating func encode<T: Encodable>(_ value: T, forKey key: Key) throws {
        try self.key(key).value(value, depth: depth)
    }

    mutating func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) -> KeyedEncodingContainer<Nested> {
        WireEncoder(output: self.key(key), depth: depth).container(keyedBy: type)
    }
    mutating func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
        WireEncoder(output: self.key(key), depth: depth).unkeyedContainer()
    }
    mutating func superEncoder() -> any Encoder { WireEncoder(output: output, depth: depth - 1) }
    mutating func superEncoder(forKey key: Key) -> any Encoder {
        WireEncoder(output: self.key(key), depth: depth)
    }
}

private struct UnkeyedContainer: UnkeyedEncodingContainer {
    let output: JSONOutput
    let depth: Int
    private(set) var count = 0
    var codingPath: [any CodingKey] { [] }

    init(output: JSONOutput, depth: Int) {
        self.output = output
        self.depth = depth
    }

    private mutating func element() -> JSONOutput {
        output.close(to: depth)
        output.separate()
        count += 1
        return output
    }

    mutating func encodeNil() { element().literal("null") }
    mutating func encode<T: Encodable>(_ value: T) throws { try element().value(value, depth: depth) }
    mutating func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) -> KeyedEncodingContainer<Nested> {
        WireEncoder(output: element(), depth: depth).container(keyedBy: type)
    }
    mutating func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer {
        WireEncoder(output: element(), depth: depth).unkeyedContainer()
    }
    mutating func superEncoder() -> any Encoder { WireEncoder(output: element(), depth: depth) }
}

private struct SingleValueContainer: SingleValueEncodingContainer {
    let output: JSONOutput
    let depth: Int
    var codingPath: [any CodingKey] { [] }

    mutating func encodeNil() { output.literal("null") }
    mutating func encode(_ value: Bool) { output.literal(value ? "true" : "false") }
    mutating func encode(_ value: String) { output.string(value) }
    mutating func encode(_ value: Double) throws { try output.finite(value) }
    mutating func encode(_ value: Float) throws { try output.finite(Double(value)) }
    mutating func encode(_ value: Int) { output.integer(value) }
    mutating func encode(_ value: Int8) { output.integer(value) }
    mutating func encode(_ value: Int16) { output.integer(value) }
    mutating func encode(_ value: Int32) { output.integer(value) }
    mutating func encode(_ value: Int64) { output.integer(value) }
    mutating func encode(_ value: UInt) { output.integer(value) }
    mutating func encode(_ value: UInt8) { output.integer(value) }
    mutating func encode(_ value: UInt16) { output.integer(value) }
    mutating func encode(_ value: UInt32) { output.integer(value) }
    mutating func encode(_ value: UInt64) { output.integer(value) }
    mutating func encode<T: Encodable>(_ value: T) throws { try output.value(value, depth: depth) }
}
