/// A reply of Redis.
package enum RedisReply: Sendable, Hashable {
    case null
    case integer(Int64)
    /// Also simple strings such as `OK`.
    case string([UInt8])
    case array([RedisReply])
    /// Only inside an array or a pipeline's replies; `send` throws it.
    case error(String)

    /// The text of a string; `nil` for anything else, and for bytes that are not UTF-8.
    package var text: String? {
        if case .string(let bytes) = self { String(validating: bytes, as: UTF8.self) } else { nil }
    }

    /// The number of an integer, or of a string that reads as one.
    package var integer: Int64? {
        switch self {
        case .integer(let number): number
        case .string: text.flatMap { Int64($0) }
        default: nil
        }
    }

    package var array: [RedisReply]? {
        if case .array(let elements) = self { elements } else { nil }
    }
}

/// One part of a command: its name, a key, a value. Bytes are sent as they are: nothing is quoted.
package struct RedisArgument: Sendable, Hashable {
    let bytes: [UInt8]
}

extension RedisArgument: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral {
    package init(_ text: String) { bytes = Array(text.utf8) }
    package init(_ number: some BinaryInteger) { bytes = Array(String(number).utf8) }
    package init(stringLiteral value: String) { self.init(value) }
    package init(integerLiteral value: Int) { self.init(value) }
}

enum RedisProtocol {
    /// A command as the protocol writes it: an array of counted strings.
    static func encode(_ arguments: [RedisArgument]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(arguments.reduce(16) { $0 + $1.bytes.count + 16 })
        func line(_ mark: Character, _ number: Int) {
            bytes += "\(mark)\(number)\r\n".utf8
        }
        line("*", arguments.count)
        for argument in arguments {
            line("$", argument.bytes.count)
            bytes += argument.bytes
            bytes += [13, 10]
        }
        return bytes
    }
}
