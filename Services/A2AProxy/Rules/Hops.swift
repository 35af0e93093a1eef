import Contracts
import HTTPCore
import HTTPServer

/// How often a message has passed a proxy of the platform. A workspace whose address is the platform itself, or another
/// workspace's that leads back, would otherwise pass one message on for ever.
package enum Hops {
    /// Sent with every call to an agent; whoever passes a request on as it came, as a proxy does, passes the count on.
    package static let header = "X-Switchyard-Hops"

    static func isHeader(_ name: UnsafeBufferPointer<UInt8>) -> Bool { HTTPHeaders.equal(name, "x-switchyard-hops") }

    /// How often the message of a request has passed already: 0 when the request does not say, or says nothing readable.
    ///
    /// - Parameter text: the value of its field.
    /// - Throws: `APIError` 508 when it must not pass once more.
    package static func passed(_ text: String?) throws(APIError) -> Int {
        guard let text, let hops = Int(text), hops > 0 else { return 0 }
        guard hops < Limits.messageHops else { throw APIError(.loopDetected, Sentence.messageLoop) }
        return hops
    }
}
