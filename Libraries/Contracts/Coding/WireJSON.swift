import JSONBytes

/// The JSON of the wire: compact, `snake_case`, lower-case UUIDs, RFC 3339 times, members in declared order.
public enum WireJSON {
    /// Encodes a response or an event's data.
    /// - Throws: ``WireError`` when a number is infinite or a type's own encoding fails.
    public static func encode<T: Encodable>(
        _ value: T, reservingCapacity capacity: Int = 256
    ) throws(WireError) -> [UInt8] {
        let output = WireOutput(reservingCapacity: capacity)
        do {
            try output.value(value, depth: 0)
        } catch {
            throw WireError(field: nil, reason: "cannot be written as JSON")
        }
        return output.writer.bytes
    }

    /// Decodes a request. Unknown members are ignored; `null` counts as absent unless the type says otherwise. A member
    /// that is read must not stand twice, and objects and arrays nest ``Limits/jsonDepth`` levels at most.
    /// - Throws: ``WireError`` naming the member that is missing, repeated or of a wrong type.
    public static func decode<T: Decodable>(_ type: T.Type, from bytes: some Sequence<UInt8>) throws(WireError) -> T {
        try decode(type, from: Array(bytes), wrappedIn: 0)
    }

    /// - Parameter levels: how many objects and arrays around the rest do not count for the depth.
    static func decode<T: Decodable>(
        _ type: T.Type, from bytes: [UInt8], wrappedIn levels: Int
    ) throws(WireError) -> T {
        let document: JSONSlice
        do {
            document = try JSONSlice(validating: bytes, wrappedIn: levels)
        } catch {
            throw WireError(field: nil, reason: "is not valid JSON")
        }
        return try decode(type, from: document)
    }

    /// Decodes a value of a document that was checked already.
    /// - Throws: ``WireError`` as ``decode(_:from:)-(_,Sequence<UInt8>)``.
    package static func decode<T: Decodable>(_ type: T.Type, from value: JSONSlice) throws(WireError) -> T {
        do {
            return try WireDecoder(value).decode(type)
        } catch let error as DecodingError {
            throw WireError(error)
        } catch {
            throw WireError(field: nil, reason: "is not valid JSON")
        }
    }
}

/// Why a body could not be read or written, in words that a client may see.
public struct WireError: Error, Hashable, Sendable {
    /// The path of the member at fault, as `canvas.x` or `attachments[1].uri`; nil when it is the whole body.
    public var field: String?
    /// What is wrong with it: `is required`, `must be a string`, ...
    public var reason: String

    /// Creates the error.
    public init(field: String?, reason: String) {
        self.field = field
        self.reason = reason
    }

    init(_ error: DecodingError) {
        switch error {
        case .keyNotFound(let key, let context):
            self.init(field: Self.path(context.codingPath + [key]), reason: "is required")
        case .valueNotFound(_, let context):
            self.init(field: Self.path(context.codingPath), reason: "is required")
        case .typeMismatch(let type, let context):
            self.init(field: Self.path(context.codingPath), reason: "must be \(Self.name(of: type))")
        case .dataCorrupted(let context):
            let field = Self.path(context.codingPath)
            self.init(field: field, reason: field == nil ? "is not valid JSON" : Self.corruption(context))
        @unknown default:
            self.init(field: nil, reason: "is not valid JSON")
        }
    }

    private static func path(_ keys: [any CodingKey]) -> String? {
        let path = keys.reduce(into: "") { path, key in
            if let index = key.intValue {
                path += "[\(index)]"
            } else {
                path += path.isEmpty ? key.stringValue : ".\(key.stringValue)"
            }
        }
        return path.isEmpty ? nil : path
    }

    /// Only our own descriptions begin with "must"; the standard library's may quote the input.
    private static func corruption(_ context: DecodingError.Context) -> String {
        context.debugDescription.hasPrefix("must ") ? context.debugDescription : "is not valid"
    }

    private static func name(of type: any Any.Type) -> String {
        switch type {
        case is String.Type: "a string"
        case is Bool.Type: "a boolean"
        case is any BinaryInteger.Type: "a whole number"
        case is any BinaryFloatingPoint.Type: "a number"
        case is [Any].Type: "a list"
        default: "an object"
        }
    }
}
