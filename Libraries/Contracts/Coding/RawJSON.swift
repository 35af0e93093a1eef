import Foundation

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
        guard JSONScanner.isOneValue(bytes) else { return nil }
        self.bytes = bytes
    }

    /// Encodes a value once, to be spliced wherever it is needed.
    public init(encoding value: some Encodable) throws(WireError) {
        bytes = try WireJSON.encode(value)
    }

    /// Whether the value is an object.
    public var isObject: Bool { bytes.first { !JSONScanner.isSpace($0) } == UInt8(ascii: "{") }

    /// Cuts the bytes out with ``WireJSON``; from other decoders the text is rebuilt.
    public init(from decoder: any Decoder) throws {
        if let wire = decoder as? WireDecoder {
            bytes = wire.bytes
            return
        }
        bytes = try WireJSON.encode(JSONValue(from: decoder))
    }

    /// Splices the bytes with ``WireJSON``; other encoders get the parsed value.
    public func encode(to encoder: any Encoder) throws {
        if let wire = encoder as? WireEncoder { return wire.output.raw(bytes) }
        try JSONDecoder().decode(JSONValue.self, from: Data(bytes)).encode(to: encoder)
    }
}

/// Any JSON value, parsed: the detour of a ``RawJSON`` through a coder that knows no bytes.
private enum JSONValue: Codable {
    case null
    case bool(Bool)
    case integer(Int64)
    case unsigned(UInt64)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Int64.self) {
            self = .integer(value)
        } else if let value = try? container.decode(UInt64.self) {
            self = .unsigned(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let value = try? container.decode([JSONValue].self) {
            self = .array(value)
        } else {
            self = .object(try container.decode([String: JSONValue].self))
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .bool(let value): try container.encode(value)
        case .integer(let value): try container.encode(value)
        case .unsigned(let value): try container.encode(value)
        case .number(let value): try container.encode(value)
        case .string(let value): try container.encode(value)
        case .array(let value): try container.encode(value)
        case .object(let value): try container.encode(value)
        }
    }
}
