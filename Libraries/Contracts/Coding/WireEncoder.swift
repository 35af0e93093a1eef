import ASCIIText
import Foundation
import JSONBytes

/// Writes an `Encodable` straight to bytes, in the order in which it encodes its members.
///
/// Foundation's encoder writes UUIDs in capitals, cannot splice JSON that is already there and builds a tree first.
/// A value's scope is opened by the container it asks for and closed when its `encode(to:)` has returned; a container
/// asked for twice is the same object, which is how one struct lays another's members into its own.
struct WireEncoder: Encoder {
    let output: WireOutput
    /// How many scopes are open around the value being encoded.
    let depth: Int

    var codingPath: [any CodingKey] { [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        if output.depth == depth { output.open(.object) }
        return KeyedEncodingContainer(KeyedContainer<Key>(output: output, depth: depth + 1))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        if output.depth == depth { output.open(.array) }
        return UnkeyedContainer(output: output, depth: depth + 1)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer {
        SingleValueContainer(output: output, depth: depth)
    }
}

/// What all containers of one encoding write to, and the objects and arrays that are open in it.
final class WireOutput {
    enum Scope {
        case object, array
    }

    var writer: JSONWriter
    private var scopes: [Scope] = []

    var depth: Int { scopes.count }

    init(reservingCapacity capacity: Int) {
        writer = JSONWriter(reservingCapacity: capacity, escapes: .numeric)
    }

    func open(_ scope: Scope) {
        switch scope {
        case .object: writer.beginObject()
        case .array: writer.beginArray()
        }
        scopes.append(scope)
    }

    /// Closes scopes until `depth` of them are left open.
    func close(to depth: Int) {
        while scopes.count > depth, let scope = scopes.popLast() {
            switch scope {
            case .object: writer.endObject()
            case .array: writer.endArray()
            }
        }
    }

    /// Writes one value where a value may stand.
    func value<T: Encodable>(_ value: T, depth: Int) throws {
        // The types are compared first: a cast that fails costs more than writing a number.
        if T.self == UUID.self, let id = value as? UUID { return writer.uuid(id) }
        if T.self == Date.self, let date = value as? Date { return writer.time(date) }
        if T.self == RawJSON.self, let json = value as? RawJSON { return writer.raw(json.bytes) }
        if T.self == String.self, let text = value as? String { return writer.string(text) }
        let start = writer.bytes.count
        try value.encode(to: WireEncoder(output: self, depth: depth))
        if writer.bytes.count == start { open(.object) }
        close(to: depth)
    }

    /// Writes a number; JSON has none for an infinity or not-a-number.
    func finite(_ value: Double) throws {
        guard value.isFinite else {
            throw EncodingError.invalidValue(value, .init(codingPath: [], debugDescription: "not a finite number"))
        }
        writer.double(value)
    }
}

extension JSONWriter {
    /// Writes an identifier as the wire has it.
    mutating func uuid(_ id: UUID) { string { UUIDText.append(id, to: &$0) } }

    /// Writes a time as the wire has it.
    mutating func time(_ date: Date) { string { RFC3339.append(date, to: &$0) } }
}

private struct KeyedContainer<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let output: WireOutput
    let depth: Int
    var codingPath: [any CodingKey] { [] }

    private func key(_ key: Key) -> WireOutput {
        output.close(to: depth)
        output.writer.key(key.stringValue)
        return output
    }

    mutating func encodeNil(forKey key: Key) { self.key(key).writer.null() }
    mutating func encode(_ value: Bool, forKey key: Key) { self.key(key).writer.bool(value) }
    mutating func encode(_ value: String, forKey key: Key) { self.key(key).writer.string(value) }
    mutating func encode(_ value: Double, forKey key: Key) throws { try self.key(key).finite(value) }
    mutating func encode(_ value: Int, forKey key: Key) { self.key(key).writer.int(value) }
    mutating func encode(_ value: Int64, forKey key: Key) { self.key(key).writer.int(value) }
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
    let output: WireOutput
    let depth: Int
    private(set) var count = 0
    var codingPath: [any CodingKey] { [] }

    init(output: WireOutput, depth: Int) {
        self.output = output
        self.depth = depth
    }

    private mutating func element() -> WireOutput {
        output.close(to: depth)
        count += 1
        return output
    }

    mutating func encodeNil() { element().writer.null() }
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
    let output: WireOutput
    let depth: Int
    var codingPath: [any CodingKey] { [] }

    mutating func encodeNil() { output.writer.null() }
    mutating func encode(_ value: Bool) { output.writer.bool(value) }
    mutating func encode(_ value: String) { output.writer.string(value) }
    mutating func encode(_ value: Double) throws { try output.finite(value) }
    mutating func encode(_ value: Float) throws { try output.finite(Double(value)) }
    mutating func encode(_ value: Int) { output.writer.int(value) }
    mutating func encode(_ value: Int8) { output.writer.int(value) }
    mutating func encode(_ value: Int16) { output.writer.int(value) }
    mutating func encode(_ value: Int32) { output.writer.int(value) }
    mutating func encode(_ value: Int64) { output.writer.int(value) }
    mutating func encode(_ value: UInt) { output.writer.int(value) }
    mutating func encode(_ value: UInt8) { output.writer.int(value) }
    mutating func encode(_ value: UInt16) { output.writer.int(value) }
    mutating func encode(_ value: UInt32) { output.writer.int(value) }
    mutating func encode(_ value: UInt64) { output.writer.int(value) }
    mutating func encode<T: Encodable>(_ value: T) throws { try output.value(value, depth: depth) }
}
