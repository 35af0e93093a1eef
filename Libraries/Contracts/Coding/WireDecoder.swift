import Foundation

/// Decodes a value from where it stands in its document: what a type does not ask for costs no more than being passed,
/// and a ``RawJSON`` is cut out as it was sent.
struct WireDecoder: Decoder {
    let text: JSONText
    let range: Range<Int>
    let codingPath: [any CodingKey]
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    /// The value's own bytes.
    var bytes: [UInt8] { Array(text.bytes[range]) }

    /// Decodes one whole document.
    static func decode<T: Decodable>(_ type: T.Type, from bytes: [UInt8]) throws -> T {
        let range = try bytes.withUnsafeBufferPointer { buffer in
            guard String(validating: buffer, as: UTF8.self) != nil else { throw JSONScanner.Malformed() }
            var scanner = JSONScanner(buffer)
            _ = scanner.peek()
            let start = scanner.position
            try scanner.skipValue()
            let end = scanner.position
            guard scanner.isAtEnd else { throw JSONScanner.Malformed() }
            return start..<end
        }
        return try WireDecoder(text: JSONText(bytes), range: range, codingPath: []).value(type)
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        guard text.first(range) == UInt8(ascii: "{") else { throw mismatch([String: Any].self) }
        return KeyedDecodingContainer(
            KeyedContainer(members: try JSONMembers(text, range), codingPath: codingPath))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        guard text.first(range) == UInt8(ascii: "[") else { throw mismatch([Any].self) }
        return try UnkeyedContainer(text: text, range: range, codingPath: codingPath)
    }

    func singleValueContainer() -> any SingleValueDecodingContainer { SingleValueContainer(decoder: self) }

    // MARK: - Values

    fileprivate var isNull: Bool { text.isNull(range) }

    fileprivate func bool() throws -> Bool {
        guard let value = text.bool(range) else { throw mismatch(Bool.self) }
        return value
    }

    fileprivate func string() throws -> String {
        guard text.isString(range) else { throw mismatch(String.self) }
        guard let value = text.string(range) else { throw corrupted("must be Unicode text") }
        return value
    }

    fileprivate func integer<T: FixedWidthInteger>(_ type: T.Type) throws -> T {
        guard let value = text.integer(range, type) else { throw mismatch(type) }
        return value
    }

    fileprivate func double() throws -> Double {
        guard let value = text.double(range) else { throw mismatch(Double.self) }
        return value
    }

    fileprivate func value<T: Decodable>(_ type: T.Type) throws -> T {
        // Those whose form on the wire is ours to say, and not their own.
        if type == UUID.self {
            guard let value = UUID(canonical: try string()) else { throw corrupted("must be a UUID") }
            return try cast(value)
        }
        if type == Date.self {
            guard let value = RFC3339.parse(try string()) else { throw corrupted("must be an RFC 3339 time") }
            return try cast(value)
        }
        return try T(from: self)
    }

    private func cast<T>(_ value: Any) throws -> T {
        guard let value = value as? T else { throw mismatch(T.self) }
        return value
    }

    /// `null` where a value must be is told as a missing one.
    private func mismatch(_ type: any Any.Type) -> DecodingError {
        let context = DecodingError.Context(codingPath: codingPath, debugDescription: "of another type")
        return isNull ? .valueNotFound(type, context) : .typeMismatch(type, context)
    }

    private func corrupted(_ description: String) -> DecodingError {
        .dataCorrupted(DecodingError.Context(codingPath: codingPath, debugDescription: description))
    }
}

private struct KeyedContainer<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let members: JSONMembers
    let codingPath: [any CodingKey]

    var allKeys: [Key] { members.names.compactMap { Key(stringValue: $0) } }

    func contains(_ key: Key) -> Bool { members.place(of: key.stringValue) != .missing }

    private func decoder(_ key: some CodingKey) throws -> WireDecoder {
        switch members.place(of: key.stringValue) {
        case .once(let range):
            return WireDecoder(text: members.text, range: range, codingPath: codingPath + [key])
        case .missing:
            throw DecodingError.keyNotFound(
                key, DecodingError.Context(codingPath: codingPath, debugDescription: "missing"))
        case .repeated:
            throw DecodingError.dataCorrupted(
                DecodingError.Context(codingPath: codingPath + [key], debugDescription: "must be given once"))
        }
    }

    func decodeNil(forKey key: Key) throws -> Bool { try decoder(key).isNull }
    func decode<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T { try decoder(key).value(type) }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) throws -> KeyedDecodingContainer<Nested> {
        try decoder(key).container(keyedBy: type)
    }
    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        try decoder(key).unkeyedContainer()
    }
    func superDecoder() throws -> any Decoder { try decoder(PlainKey("super")) }
    func superDecoder(forKey key: Key) throws -> any Decoder { try decoder(key) }
}

/// Walks along the elements: there may be more of them than anyone will read.
private struct UnkeyedContainer: UnkeyedDecodingContainer {
    private let text: JSONText
    let codingPath: [any CodingKey]
    private(set) var currentIndex = 0
    private var next: Range<Int>?
    var count: Int? { nil }
    var isAtEnd: Bool { next == nil }

    init(text: JSONText, range: Range<Int>, codingPath: [any CodingKey]) throws {
        self.text = text
        self.codingPath = codingPath
        next = try Self.element(text, after: range.lowerBound + 1)
    }

    /// Where the next element is, from behind the bracket or the element before it.
    private static func element(_ text: JSONText, after position: Int) throws -> Range<Int>? {
        try text.bytes.withUnsafeBufferPointer { buffer in
            var scanner = JSONScanner(buffer, at: position)
            return try scanner.nextElement()
        }
    }

    private func decoder() throws -> WireDecoder {
        let path = codingPath + [PlainKey(currentIndex)]
        guard let next else {
            throw DecodingError.valueNotFound(
                Any.self, DecodingError.Context(codingPath: path, debugDescription: "no more elements"))
        }
        return WireDecoder(text: text, range: next, codingPath: path)
    }

    private mutating func take<T>(_ read: (WireDecoder) throws -> T) throws -> T {
        let decoder = try decoder()
        let value = try read(decoder)
        next = try Self.element(text, after: decoder.range.upperBound)
        currentIndex += 1
        return value
    }

    mutating func decodeNil() throws -> Bool {
        guard try decoder().isNull else { return false }
        return try take { _ in true }
    }
    mutating func decode<T: Decodable>(_ type: T.Type) throws -> T { try take { try $0.value(type) } }
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

    func decodeNil() -> Bool { decoder.isNull }
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
    func decode<T: Decodable>(_ type: T.Type) throws -> T { try decoder.value(type) }
}

/// A key that no type declares: a place in a list.
private struct PlainKey: CodingKey {
    let stringValue: String
    let intValue: Int?

    init(_ name: String) {
        stringValue = name
        intValue = nil
    }
    init(_ index: Int) {
        stringValue = String(index)
        intValue = index
    }
    init?(stringValue: String) { self.init(stringValue) }
    init?(intValue: Int) { self.init(intValue) }
}
