import Contracts
import HTTPCore
import PlatformInternals
import UVHTTPServer

/// Loop detection: counts how often a message has passed a proxy of the platform. A workspace whose address is the
/// platform itself, or that of another workspace which leads back, would otherwise forward a message without end.
package enum Hops {
    /// Sent with every call to an agent; proxies that forward the header fields forward the count.
    package static let header = "X-Switchyard-Hops"

    static func isHeader(_ name: UnsafeBufferPointer<UInt8>) -> Bool { HTTPHeaders.equal(name, "x-switchyard-hops") }

    /// The hop count of a request: 0 when the field is absent or unreadable.
    ///
    /// - Parameter text: the value of its field.
    /// - Throws: `APIError` 508 when the count has reached the limit.
    package static func passed(_ text: String?) throws(APIError) -> Int {
        guard let text, let hops = Int(text), hops > 0 else { return 0 }
        guard hops < Limits.messageHops else { throw APIError(.loopDetected, ErrorMessage.messageLoop) }
        return hops
    }
}
