import JSONBytes

/// JSON text that is passed through: an agent card, a stored body, an event's data.
///
/// With ``WireJSON`` its bytes are spliced in as they are, and cut out as they are when it is decoded as part of a
/// larger type. Other coders parse the value and write it anew.
public struct RawJSON: Codable, Hashable, Sendable {
    /// One complete JSON value, UTF-8.
    public let bytes: [UInt8]

    /// `{}`
    public static let emptyObject = RawJSON(unchecked: Array("{}".utf8))

    /// Takes bytes that are known to be one JSON value, such as a `json` column's.
    public init(unchecked bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// Takes bytes when they are one well-formed JSON value, nil otherwise.
    public init?(_ bytes: [UInt8]) {
        guard (try? JSONScanner.validate(bytes)) != nil else { return nil }
        self.bytes = bytes
    }

    /// Encodes a value once, to be spliced wherever it is needed.
    public init(encoding value: some Encodable) throws(WireError) {
        bytes = try WireJSON.encode(value)
    }

    /// Whether the value is an object.
    public var isObject: Bool { bytes.first { !Self.whiteSpace.contains($0) } == UInt8(ascii: "{") }

    private static let whiteSpace: [UInt8] = [0x20, 0x09, 0x0A, 0x0D]

    /// Cuts the bytes out with ``WireJSON``; from other decoders the text is rebuilt.
    public init(from decoder: any Decoder) throws {
        bytes = try (decoder as? WireDecoder).map { Array($0.value.bytes) } ?? Self.rebuilt(from: decoder)
    }

    /// Splices the bytes with ``WireJSON``; other encoders get the parsed value.
    public func encode(to encoder: any Encoder) throws {
        if let wire = encoder as? WireEncoder { return wire.output.writer.raw(bytes) }
        try ParsedJSON(JSONSlice(validating: bytes)).encode(to: encoder)
    }

    /// The value of a decoder that knows no bytes, which is asked for one kind after another.
    private static func rebuilt(from decoder: any Decoder) throws -> [UInt8] {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() { return Array("null".utf8) }
        if let value = try? container.decode(Bool.self) { return try WireJSON.encode(value) }
        if let value = try? container.decode(Int64.self) { return try WireJSON.encode(value) }
        if let value = try? container.decode(UInt64.self) { return try WireJSON.encode(value) }
        if let value = try? container.decode(Double.self) { return try WireJSON.encode(value) }
        if let value = try? container.decode(String.self) { return try WireJSON.encode(value) }
        if let elements = try? container.decode([RawJSON].self) { return try WireJSON.encode(elements) }
        return try WireJSON.encode(container.decode([String: RawJSON].self))
    }
}

/// A value on its way to an encoder that knows no bytes.
private struct ParsedJSON: Encodable {
    private let value: JSONSlice

    init(_ value: JSONSlice) {
        self.value = value
    }

    func encode(to encoder: any Encoder) throws {
        switch value.kind {
        case .object:
            var container = encoder.container(keyedBy: MemberName.self)
            for member in value.object?.members ?? [] {
                try container.encode(ParsedJSON(member.value), forKey: MemberName(stringValue: member.name))
            }
        case .array:
            var container = encoder.unkeyedContainer()
            for element in value.elements ?? [] { try container.encode(ParsedJSON(element)) }
        case .string: try value.string.encode(to: encoder)
        case .bool: try value.bool.encode(to: encoder)
        case .null: try String?.none.encode(to: encoder)
        case .number:
            if let number = value.int { return try number.encode(to: encoder) }
            if let number = UInt64(String(decoding: value.bytes, as: UTF8.self)) {
                return try number.encode(to: encoder)
            }
            // One too large for a double cannot be said to such an encoder.
            guard let number = value.double else {
                throw EncodingError.invalidValue(
                    value.bytes, .init(codingPath: encoder.codingPath, debugDescription: "too large a number"))
            }
            try number.encode(to: encoder)
        }
    }

    private struct MemberName: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }
}
