import HTTPCore

/// The response to a call. Redirects are responses like all others.
package struct ClientResponse: Sendable {
    /// The final one: interim responses are left out.
    package let status: HTTPStatus
    /// Without those that said how a body was coded that is decoded now.
    package let headers: HTTPHeaders
    /// `.stream` unless the body came with the head in one piece or was collected. Reading slowly slows the peer
    /// down; dropping it unread closes the connection.
    package let body: HTTPBody
    /// The request was sent a second time, after a reused connection had turned out to be closed.
    package let wasRetried: Bool

    /// The whole body, when it is there already: collected, or come in one piece.
    package var bytes: [UInt8]? {
        switch body {
        case .empty: []
        case .bytes(let bytes): bytes
        case .stream: nil
        }
    }
}
