/// What a PATCH says about one member: nothing, `null`, or a new value.
public enum Change<Value: Codable & Sendable>: Sendable {
    /// The member was not there.
    case unchanged
    /// The member was `null`.
    case clear
    /// The member had a value.
    case set(Value)

    /// The new value, if one was given.
    public var value: Value? {
        if case .set(let value) = self { value } else { nil }
    }

    /// Whether the member was there at all.
    public var isPresent: Bool {
        if case .unchanged = self { false } else { true }
    }
}

extension Change: Equatable where Value: Equatable {}
extension Change: Hashable where Value: Hashable {}

extension KeyedDecodingContainer {
    /// Reads a member of a PATCH, keeping apart a missing one and `null`.
    public func change<Value>(_ type: Value.Type, forKey key: Key) throws -> Change<Value> {
        guard contains(key) else { return .unchanged }
        if try decodeNil(forKey: key) { return .clear }
        return .set(try decode(type, forKey: key))
    }
}

extension KeyedEncodingContainer {
    /// Writes a member of a PATCH: nothing, `null` or the value.
    public mutating func encode<Value>(_ change: Change<Value>, changeFor key: Key) throws {
        switch change {
        case .unchanged: break
        case .clear: try encodeNil(forKey: key)
        case .set(let value): try encode(value, forKey: key)
        }
    }
}
