/// Any JSON value as a tree, for where comfort matters more than speed.
package enum JSONValue: Sendable, Hashable {
    case null
    case bool(Bool)
    /// A number that is whole and fits 64 bits.
    case int(Int)
    case double(Double)
    case string(String)
    case array([JSONValue])
    /// Written in the order of the names, so that equal values have equal bytes.
    case object([String: JSONValue])

    /// Decodes a whole document. Of several members with one name the last counts.
    package init(decoding bytes: [UInt8]) throws(JSONError) {
        self.init(try JSONSlice(validating: bytes))
    }

    /// Decodes one value of a document. A number too large for a double becomes the largest double.
    package init(_ slice: JSONSlice) {
        switch slice.kind {
        case .null: self = .null
        case .bool: self = .bool(slice.bool == true)
        case .string: self = .string(slice.string ?? "")
        case .number:
            if let whole = slice.int {
                self = .int(whole)
            } else {
                let limit =
                    slice.bytes.first == UInt8(ascii: "-") ? -Double.greatestFiniteMagnitude : .greatestFiniteMagnitude
                self = .double(slice.double ?? limit)
            }
        case .array: self = .array((slice.elements ?? []).map(JSONValue.init))
        case .object:
            let members = slice.object?.members ?? []
            self = .object(Dictionary(members.map { ($0.name, JSONValue($0.value)) }) { $1 })
        }
    }

    /// Compact JSON.
    package var encoded: [UInt8] {
        var writer = JSONWriter()
        writer.value(self)
        return writer.bytes
    }

    package subscript(name: String) -> JSONValue? {
        if case .object(let members) = self { members[name] } else { nil }
    }

    package subscript(index: Int) -> JSONValue? {
        if case .array(let elements) = self, elements.indices.contains(index) { elements[index] } else { nil }
    }

    package var string: String? { if case .string(let value) = self { value } else { nil } }
    package var int: Int? { if case .int(let value) = self { value } else { nil } }
    package var array: [JSONValue]? { if case .array(let value) = self { value } else { nil } }
    package var object: [String: JSONValue]? { if case .object(let value) = self { value } else { nil } }

    /// Any number as a double.
    package var double: Double? {
        switch self {
        case .int(let value): Double(value)
        case .double(let value): value
        default: nil
        }
    }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
    ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral
{
    package init(stringLiteral value: String) { self = .string(value) }
    package init(integerLiteral value: Int) { self = .int(value) }
    package init(floatLiteral value: Double) { self = .double(value) }
    package init(booleanLiteral value: Bool) { self = .bool(value) }
    package init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    package init(dictionaryLiteral elements: (String, JSONValue)...) { self = .object(Dictionary(elements) { $1 }) }
    package init(nilLiteral: ()) { self = .null }
}

extension JSONWriter {
    /// Writes a tree.
    package mutating func value(_ value: JSONValue) {
        switch value {
        case .null: null()
        case .bool(let flag): bool(flag)
        case .int(let number): int(number)
        case .double(let number): double(number)
        case .string(let text): string(text)
        case .array(let elements): array { writer in for element in elements { writer.value(element) } }
        case .object(let members):
            object { writer in
                for (name, member) in members.sorted(by: { $0.key < $1.key }) {
                    writer.key(name)
                    writer.value(member)
                }
            }
        }
    }
}
