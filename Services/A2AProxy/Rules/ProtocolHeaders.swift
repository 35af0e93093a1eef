import Contracts
import HTTPCore
import UVHTTPServer

/// The header fields of the A2A protocol itself: the version and the extensions of a message or a response. They belong
/// to the message as its body does, also while it is queued.
package enum ProtocolHeaders {
    /// The protocol fields of a request or a response; nil when there are none, the common case.
    package static func find(in headers: HTTPHeaders) -> HTTPHeaders? {
        var found: HTTPHeaders?
        headers.forEachField { name, value in
            guard belongs(name) else { return }
            if found == nil { found = HTTPHeaders() }
            found?.add(name: name, value: value)
        }
        return found
    }

    /// The header fields that go to the agent with the message: those of the protocol, its version also when it is
    /// given in the query, and the hop count if the message came from a proxy.
    ///
    /// - Returns: nil when there are none, the common case.
    /// - Throws: `APIError` 400 for an invalid version in the query, 508 for a message whose hop count is at the limit.
    package static func forwarded(of request: Request) throws(APIError) -> HTTPHeaders? {
        var (fields, hopsText): (HTTPHeaders?, String?)
        // In one pass, since nearly every message has neither.
        request.headers.forEachField { name, value in
            if Hops.isHeader(name) { hopsText = hopsText ?? String(decoding: value, as: UTF8.self) }
            guard belongs(name) else { return }
            fields = fields ?? HTTPHeaders()
            fields?.add(name: name, value: value)
        }
        if let version = try versionInQuery(of: request), fields?.contains(versionHeader) != true {
            fields = fields ?? HTTPHeaders()
            fields?.add(versionHeader, version)
        }
        let hops = try Hops.passed(hopsText)
        if hops > 0 {
            fields = fields ?? HTTPHeaders()
            fields?.add(Hops.header, String(hops + 1))
        }
        return fields
    }

    private static let versionHeader = "A2A-Version"

    /// Where a client cannot set header fields, the protocol allows `?A2A-Version=1.0`.
    private static func versionInQuery(of request: Request) throws(APIError) -> String? {
        guard request.target.contains(byte: UInt8(ascii: "?")),
            let version = request.queryItems.first(where: { HTTPHeaders.equal($0.name, versionHeader) })?.value,
            !version.isEmpty
        else { return nil }
        let isValid = version.utf8.count <= 32 && version.utf8.allSatisfy { (0x21...0x7E).contains($0) }
        guard isValid else { throw APIError(.badRequest, "invalid \(versionHeader)", field: versionHeader) }
        return version
    }

    /// Whether a request names extensions of the protocol, which may bring methods of their own.
    package static func namesExtensions(_ headers: HTTPHeaders) -> Bool {
        ["A2A-Extensions", "X-A2A-Extensions"].contains { headers[$0]?.isEmpty == false }
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
            // By bytes: a value may begin with something that joins the blank before it into one character.
            text.utf8.split(separator: UInt8(ascii: "\n")).compactMap { line in
                guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { return nil }
                return (String(line[..<colon]) ?? "", String(line[colon...].dropFirst(2)) ?? "")
            })
    }
}
