import ASCIIText
import Foundation
import JSONBytes

/// Decodes a value from where it stands in its document: what a type does not ask for costs no more than being passed,
/// and a ``RawJSON`` is cut out as it was sent.
struct WireDecoder: Decoder {
    let value: JSONSlice
    /// The container that the value is in; nil for the whole document.
    let parent: WirePath?
    /// The value's place in that container.
    let key: (any CodingKey)?

    var codingPath: [any CodingKey] { path?.keys ?? [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    /// - Parameter document: the value of a whole document.
    init(_ document: JSONSlice) {
        self.init(document, nil, nil)
    }

    fileprivate init(_ value: JSONSlice, _ parent: WirePath?, _ key: (any CodingKey)?) {
        self.value = value
        self.parent = parent
        self.key = key
    }

    private var path: WirePath? { key.map { WirePath(parent, $0) } }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        guard let object = value.object else { throw mismatch([String: Any].self) }
        return KeyedDecodingContainer(KeyedContainer(members: WireMembers(object), path: path))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        guard let elements = value.elementIterator else { throw mismatch([Any].self) }
        return UnkeyedContainer(elements, path)
    }

    func singleValueContainer() -> any SingleValueDecodingContainer { SingleValueContainer(decoder: self) }

    // MARK: - Values

    fileprivate func bool() throws -> Bool {
        guard let flag = value.bool else { throw mismatch(Bool.self) }
        return flag
    }

    fileprivate func string() throws -> String {
        guard let text = value.string else { throw mismatch(String.self) }
        return text
    }

    fileprivate func integer<T: FixedWidthInteger>(_ type: T.Type) throws -> T {
        if let number = value.int.flatMap({ T(exactly: $0) }) { return number }
        // Unsigned numbers may have one bit more.
        guard T.max > Int.max, value.kind == .number,
            let number = T(String(decoding: value.bytes, as: UTF8.self)) ?? value.double.flatMap({ T(exactly: $0) })
        else { throw mismatch(type) }
        return number
    }

    fileprivate func double() throws -> Double {
        guard let number = value.double else { throw mismatch(Double.self) }
        return number
    }

    func decode<T: Decodable>(_ type: T.Type) throws -> T {
        // Those whose form on the wire is ours to say, and not their own.
        if type == UUID.self {
            guard let id = UUIDText.read(try string()) else { throw corrupted("must be a UUID") }
            return try cast(id)
        }
        if type == Date.self {
            guard let date = RFC3339.parse(try string()) else { throw corrupted("must be an RFC 3339 time") }
            return try cast(date)
        }
        return try T(from: self)
    }

    private func cast<T>(_ value: Any) throws -> T {
        guard let value = value as? T else { throw mismatch(T.self) }
        return value
    }

    /// `null` where a value must be is reported as a missing one.
    private func mismatch(_ type: any Any.Type) -> DecodingError {
        let context = DecodingError.Context(codingPath: codingPath, debugDescription: "of another type")
        return value.isNull ? .valueNotFound(type, context) : .typeMismatch(type, context)
    }

    private func corrupted(_ description: String) -> DecodingError {
        .dataCorrupted(DecodingError.Context(codingPath: codingPath, debugDescription: description))
    }
}

/// The place of a value: its key, and that of each container around it. A list of keys is made of it only for an error.
final class WirePath {
    private let parent: WirePath?
    private let key: any CodingKey

    init(_ parent: WirePath?, _ key: any CodingKey) {
        self.parent = parent
        self.key = key
    }

    var keys: [any CodingKey] { (parent?.keys ?? []) + [key] }
}

private struct KeyedContainer<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let members: WireMembers
    let path: WirePath?

    var codingPath: [any CodingKey] { path?.keys ?? [] }
    var allKeys: [Key] { members.names.compactMap { Key(stringValue: $0) } }

    func contains(_ key: Key) -> Bool {
        if case .missing = members.occurrence(of: key.stringValue) { false } else { true }
    }

    private func decoder(_ key: some CodingKey) throws -> WireDecoder {
        switch members.occurrence(of: key.stringValue) {
        case .once(let value): return WireDecoder(value, path, key)
        case .missing:
            throw DecodingError.keyNotFound(
                key, DecodingError.Context(codingPath: codingPath, debugDescription: "missing"))
        case .repeated:
            throw DecodingError.dataCorrupted(
                DecodingError.Context(codingPath: codingPath + [key], debugDescription: "must be given once"))
        }
    }

    func decodeNil(forKey key: Key) throws -> Bool { try decoder(key).value.isNull }
    func decode(_ type: Bool.Type, forKey key: Key) throws -> Bool { try decoder(key).bool() }
    func decode(_ type: String.Type, forKey key: Key) throws -> String { try decoder(key).string() }
    func decode(_ type: Double.Type, forKey key: Key) throws -> Double { try decoder(key).double() }
    func decode(_ type: Int.Type, forKey key: Key) throws -> Int { try decoder(key).integer(type) }
    func decode(_ type: Int64.Type, forKey key: Key) throws -> Int64 { try decoder(key).integer(type) }
    func decode<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T { try decoder(key).decode(type) }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) throws -> KeyedDecodingContainer<Nested> {
        try decoder(key).container(keyedBy: type)
    }
    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        try decoder(key).unkeyedContainer()
    }
    func superDecoder() throws -> any Decoder { try decoder(NamedKey("super")) }
    func superDecoder(forKey key: Key) throws -> any Decoder { try decoder(key) }
}

/// Walks along the elements: there may be more of them than anyone will read.
private struct UnkeyedContainer: UnkeyedDecodingContainer {
    private let path: WirePath?
    private var elements: JSONElementIterator
    private var next: JSONSlice?
    private(set) var currentIndex = 0

    var codingPath: [any CodingKey] { path?.keys ?? [] }
    var count: Int? { nil }
    var isAtEnd: Bool { next == nil }

    init(_ elements: JSONElementIterator, _ path: WirePath?) {
        self.elements = elements
        self.path = path
        next = self.elements.next()
    }

    private func decoder() throws -> WireDecoder {
        let key = IndexKey(currentIndex)
        guard let next else {
            throw DecodingError.valueNotFound(
                Any.self, DecodingError.Context(codingPath: codingPath + [key], debugDescription: "no more elements"))
        }
        return WireDecoder(next, path, key)
    }

    private mutating func take<T>(_ read: (WireDecoder) throws -> T) throws -> T {
        let value = try read(decoder())
        next = elements.next()
        currentIndex += 1
        return value
    }

    mutating func decodeNil() throws -> Bool {
        guard try decoder().value.isNull else { return false }
        return try take { _ in true }
    }
    mutating func decode<T: Decodable>(_ type: T.Type) throws -> T { try take { try $0.decode(type) } }
    mutating func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type
    ) throws -> KeyedDecodingContainer<Nested> {
        try take { try $0.container(keyedBy: type) }
    }
    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
        try take { try $0.unkeyedContainer() }
    }
    mutating func superDecoder() throws -> any Decoder { try take { $0 } }
}

private struct SingleValueContainer: SingleValueDecodingContainer {
    let decoder: WireDecoder
    var codingPath: [any CodingKey] { decoder.codingPath }

    func decodeNil() -> Bool { decoder.value.isNull }
    func decode(_ type: Bool.Type) throws -> Bool { try decoder.bool() }
    func decode(_ type: String.Type) throws -> String { try decoder.string() }
    func decode(_ type: Double.Type) throws -> Double { try decoder.double() }
    func decode(_ type: Float.Type) throws -> Float { Float(try decoder.double()) }
    func decode(_ type: Int.Type) throws -> Int { try decoder.integer(type) }
    func decode(_ type: Int8.Type) throws -> Int8 { try decoder.integer(type) }
    func decode(_ type: Int16.Type) throws -> Int16 { try decoder.integer(type) }
    func decode(_ type: Int32.Type) throws -> Int32 { try decoder.integer(type) }
    func decode(_ type: Int64.Type) throws -> Int64 { try decoder.integer(type) }
    func decode(_ type: UInt.Type) throws -> UInt { try decoder.integer(type) }
    func decode(_ type: UInt8.Type) throws -> UInt8 { try decoder.integer(type) }
    func decode(_ type: UInt16.Type) throws -> UInt16 { try decoder.integer(type) }
    func decode(_ type: UInt32.Type) throws -> UInt32 { try decoder.integer(type) }
    func decode(_ type: UInt64.Type) throws -> UInt64 { try decoder.integer(type) }
    func decode<T: Decodable>(_ type: T.Type) throws -> T { try decoder.decode(type) }
}

/// The place of an element in its list. Small enough to be handed around without memory of its own.
private struct IndexKey: CodingKey {
    private let index: Int
    var intValue: Int? { index }
    var stringValue: String { String(index) }

    init(_ index: Int) { self.index = index }
    init?(intValue: Int) { self.init(intValue) }
    init?(stringValue: String) { nil }
}

/// A key that no type declares.
private struct NamedKey: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(_ name: String) { stringValue = name }
    init?(stringValue: String) { self.init(stringValue) }
    init?(intValue: Int) { nil }
}
