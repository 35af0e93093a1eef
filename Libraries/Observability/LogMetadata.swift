import ASCIIText

package import Foundation

/// One value of a log line.
package enum LogValue: Sendable, Hashable {
    case string(String)
    case int(Int)
    case double(Double)
    case bool(Bool)

    /// An id, in lower case as everywhere else.
    package static func uuid(_ id: UUID) -> LogValue { .string(UUIDText.string(id)) }

    /// An error's description. For the log only: a client never sees it.
    package static func error(_ error: any Error) -> LogValue { .string(String(describing: error)) }

    /// A duration in milliseconds, to the microsecond.
    package static func milliseconds(_ duration: Duration) -> LogValue {
        let microseconds = duration.components.seconds * 1_000_000 + duration.components.attoseconds / 1_000_000_000_000
        return .double(Double(microseconds) / 1000)
    }
}

extension LogValue: ExpressibleByStringInterpolation, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
    ExpressibleByBooleanLiteral
{
    package init(stringLiteral value: String) { self = .string(value) }
    package init(integerLiteral value: Int) { self = .int(value) }
    package init(floatLiteral value: Double) { self = .double(value) }
    package init(booleanLiteral value: Bool) { self = .bool(value) }
}

/// The variables of a log line, in the order given.
package struct LogMetadata: Sendable, ExpressibleByDictionaryLiteral {
    package private(set) var pairs: [(key: LogKey, value: LogValue)]

    package init(dictionaryLiteral elements: (LogKey, LogValue)...) {
        pairs = elements.map { ($0.0, $0.1) }
    }

    /// The value of a key; setting replaces it in place, setting nil removes it.
    package subscript(key: LogKey) -> LogValue? {
        get { pairs.first { $0.key == key }?.value }
        set {
            let index = pairs.firstIndex { $0.key == key }
            switch (index, newValue) {
            case (let index?, let value?): pairs[index].value = value
            case (let index?, nil): pairs.remove(at: index)
            case (nil, let value?): pairs.append((key, value))
            case (nil, nil): break
            }
        }
    }

    /// Takes over the other's values, which win over its own.
    package mutating func merge(_ other: LogMetadata) {
        if pairs.isEmpty { return pairs = other.pairs }
        for (key, value) in other.pairs { self[key] = value }
    }
}
