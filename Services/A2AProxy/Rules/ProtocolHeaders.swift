import Foundation
import HTTPCore

/// The header fields of the A2A protocol itself: which version of it a message or an answer speaks, and which extensions.
/// They belong to the message as its body does, also while it waits.
package enum ProtocolHeaders {
    /// Those of a message's or an answer's fields that belong to the protocol; nil when there are none, as with most.
    package static func find(in headers: HTTPHeaders) -> HTTPHeaders? {
        var found: HTTPHeaders?
        headers.forEachField { name, value in
            guard belongs(name) else { return }
            if found == nil { found = HTTPHeaders() }
            found?.add(name: name, value: value)
        }
        return found
    }

    /// `X-A2A-Extensions` is what version 0.3 calls the extensions.
    private static func belongs(_ name: UnsafeBufferPointer<UInt8>) -> Bool {
        HTTPHeaders.equal(name, "a2a-version") || HTTPHeaders.equal(name, "a2a-extensions")
            || HTTPHeaders.equal(name, "x-a2a-extensions")
    }

    /// The fields as they are stored, one a line; values have no line ends.
    package static func text(of headers: HTTPHeaders) -> String {
        headers.map { "\($0.name): \($0.value)" }.joined(separator: "\n")
    }

    /// The fields that were stored.
    package static func fields(from text: String) -> HTTPHeaders {
        HTTPHeaders(
            text.split(separator: "\n").compactMap { line in
                guard let end = line.range(of: ": ") else { return nil }
                return (String(line[..<end.lowerBound]), String(line[end.upperBound...]))
            })
    }
}
